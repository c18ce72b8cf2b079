/* publish: what the engine decided -> messages (topic, key, headers, JSON). Sends nothing.
 *
 * Every message but a dead letter carries CloudEvents 1.0 attributes as headers (binary mode):
 * ce_specversion, ce_id, ce_source "eddy/PIPELINE", ce_type, ce_subject (the key), ce_time (stream
 * time), and content-type. A message that is sent twice has the same ce_source and ce_id twice:
 * that is how a consumer knows it.
 *
 * Values are one line of JSON each. Events are "E12", groups "G34", topics "T3"; times are RFC 3339
 * in UTC; "position" is the number of a document in the stream (of its shard), from 0. Shards
 * number their events so that no two share an id: number n of shard s of S is E((n - 1) * S + s +
 * 1). New fields may be added; those below keep their name and meaning.
 *
 * EDDY_NOMEM is the only failure; the epoch is then as it was. All strings go into its arena. */
#ifndef ED_PUBLISH_PUBLISH_H
#define ED_PUBLISH_PUBLISH_H

#include "base/message.h"
#include "base/order.h"

#include <eddy/engine.h>
#include <eddy/layout.h>
#include <eddy/templates.h>

/* One owner thread; documents and dead letters only read pipeline. */
struct ed_publisher {
    const char *pipeline;     /* ce_source is "eddy/PIPELINE"; borrowed */
    uint32_t shard, n_shards; /* of the pipeline; 0, 0: the only one */
    /* Changes of one position are told apart by their order; zero at the start. */
    uint64_t change_position;
    uint32_t change_index;
};

/* Topic eddy.assignments, key: document id, ce_type eddy.assignment, ce_id: where the document
 * came from, "TOPIC-PARTITION-OFFSET".
 *
 *   {"id": "n17",                       the document
 *    "event": "E12", "group": "G34",    where it went; what becomes of the group is in eddy.changes
 *    "founded": false,                  true: it opened the event; similarity is null then
 *    "similarity": 0.61, "threshold": 0.43,
 *    "runner_up": "E3", "runner_up_similarity": 0.22,    both null when there was no other event
 *    "confidence": 0.93,                0 to 1
 *    "memberships": [{"event": "E12", "weight": 0.8}, ...],      weights sum to 1
 *    "position": 1042, "time": "2031-05-14T08:30:00.000Z",
 *    "source": {"topic": "news", "partition": 0, "offset": 17}} */
eddy_status ed_publish_assignment(const struct ed_publisher *p, struct ed_epoch *epoch,
                                  const eddy_doc *doc, const eddy_assignment *a, eddy_error *err);

/* Topic eddy.changes, key: event id, ce_type eddy.change.KIND, ce_id "PIPELINE-POSITION-INDEX"
 * (of several shards: "PIPELINE.SHARD-POSITION-INDEX").
 *
 *   {"id": "news-1042-0",
 *    "kind": "merged",                  born grew drifted merged split moved folded renamed faded,
 *                                       and by operations: pinned unpinned linked undone reassigned
 *                                       described
 *    "event": "E12",                    what it happened to
 *    "other": "E3",                     merged: it lives on; split, moved, reassigned: where the
 *                                       documents were; linked, undone: the other one
 *    "group": "G34", "into_group": "G9",       moved, folded, reassigned; the last two only
 *    "document": "n17", "document_position": 40,    reassigned: which; its id cut at 127 bytes
 *    "position": 1042, "time": "...",
 *    "size_before": 4, "size_after": 0,        documents of event
 *    "other_before": 9, "other_after": 13,     documents of other
 *    "similarity": 0.61, "threshold": 0.43,          the evidence; where two sides were compared
 *    "strength": -4,                    linked: above 0 the same, below 0 not; 4 is for good
 *    "actor": "online",                 online, statistics, llm, person: who decided
 *    "operation": 17, "undone": 12,     its number, where it was an operation; undone: which
 *    "evidence": "same crane, same day"}     what its author gave as the reason
 *
 * A field that says nothing for the kind is left out. */
eddy_status ed_publish_change(struct ed_publisher *p, struct ed_epoch *epoch,
                              const eddy_change *change, eddy_error *err);

/* Topic eddy.events (compacted), key: event id, ce_type eddy.event, ce_id "PIPELINE-E12-VERSION".
 *
 *   {"id": "E12", "version": 7,         grows with every picture that differs
 *    "state": "active",                 active, faded, merged
 *    "merged_into": null,               "E3" when merged: ask there
 *    "parent": null,                    split from, or resembles a faded one
 *    "name": "harbour, crane: Crane falls at the old harbour",
 *    "named_by": "person",               only where the name was given: statistics, llm, person
 *    "pinned": true,                    only where it is: nothing but a person changes it
 *    "summary": "...", "category": "accident", "described_by": "llm",    only where described
 *    "topic": "T3", "theme": "T1",      null: none; T3 has a record of its own, see below
 *    "keywords": [{"keyword": "harbour", "score": 3.1}, ...],
 *    "exemplars": [{"id": "n17", "title": "...", "similarity": 0.8, "time": "..."}, ...],
 *    "size": 41, "weight": 41,          documents; the same with age discounted
 *    "cohesion": 0.52, "groups": 3,
 *    "indexes": {"silhouette": 0.61, "davies_bouldin": 0.9, "compactness": 0.6,
 *                "separation": 0.8, "drift": 0.01},
 *    "similar": [{"event": "E3", "similarity": 0.31, "threshold": 0.43, "link": -1}, ...],
 *    "map": [3.1, -7.25],               a place in the plane, near those of events that are alike;
 *                                       left out where it has none yet
 *    "first_seen": "...", "last_seen": "...", "stream_time": "..."}
 *
 * indexes tell how it looks from inside (eddy_event_indexes); null: not known. similar has the
 * nearest first, with what a merge asks of the two, and what was said of them (0: nothing); it is
 * left out where none is known.
 *
 * similar is as of this version, indexes as of when the event had last grown or shrunk by an
 * eighth: that others change makes no new one.
 *
 * An event that was merged away has only id, version, state, merged_into, the two times and
 * stream_time: its record is the redirect. */
eddy_status ed_publish_event(const struct ed_publisher *p, struct ed_epoch *epoch,
                             const eddy_event *event, int64_t stream_ms, eddy_error *err);

/* Topic eddy.operations, key: the event's id (of an undo the operation's number), ce_type
 * eddy.operation.KIND, ce_id as told. What was asked is written as in a control message
 * (parse/control.h), so that a line can be sent, or replayed, as it is; behind it
 *
 *   {...
 *    "position": 2048, "time": "...",   documents seen, stream time
 *    "applied": true,
 *    "refused": "stale", "detail": "...",       where it was not, and what was wrong with it
 *    "number": 17, "result": "E3"}      where it was: for undo; the event that is new or lives on
 *
 *   order    with the engine's ids; versions are those that were found
 *   outcome  NULL: the operation makes no sense, and detail says why
 *   ce_id    copied */
struct ed_told {
    const struct ed_order *order;
    const eddy_outcome *outcome;
    const char *detail;
    uint64_t position;
    int64_t stream_ms;
    eddy_str ce_id;
};
eddy_status ed_publish_operation(const struct ed_publisher *p, struct ed_epoch *epoch,
                                 const struct ed_told *told, eddy_error *err);
/* Topic eddy.events as well, so that one compacted topic holds the whole tree; key: topic id,
 * ce_type eddy.topic, ce_id "PIPELINE-T3-VERSION". Topics lie over events, themes over topics;
 * numbers of shards as for events. Whoever wants events only takes keys with an E.
 *
 *   {"id": "T3", "type": "topic",       topic or theme
 *    "version": 2, "state": "active",   active, faded (no event is left in it), merged
 *    "merged_into": null,               "T1" when merged
 *    "parent": "T7",                    its theme; null: none, as for themes
 *    "name": "harbour, crane, quay",    given; else its keywords
 *    "named_by": "llm",                 only where it was given
 *    "summary": "...", "category": "...", "described_by": "llm",         only where described
 *    "keywords": ["harbour", "crane"],
 *    "size": 120, "events": 9,          documents and events below it
 *    "children": 9,                     events of a topic, topics of a theme: who names it as
 *                                       topic, or parent
 *    "stream_time": "..."}
 *
 * One that is not active any more has only id, type, version, state, merged_into and stream_time.
 * Sizes are told when its children change or it has grown by a quarter. */
eddy_status ed_publish_topic(const struct ed_publisher *p, struct ed_epoch *epoch,
                             const eddy_topic *topic, eddy_error *err);

/* ---- logs ----
 *
 * Topic eddy.assignments, key: the record's id, ce_type eddy.assignment: a record of a log, which
 * is a line and those that were joined to it.
 *
 *   {"id": "app.log-0-17",              TOPIC-PARTITION-OFFSET of its first line
 *    "exceptions": "java.io.IOException, java.net.ConnectException",      named by those joined to
 * it "event": "E12", "group": "G34",    where its template is; null: nowhere "template": "t1-...",
 * what becomes of it is in eddy.changes "signature": "t1-...",             of the line: the same in
 * every pipeline and for ever "founded": false,                  true: it is the first of its event
 *    "level": "error", "component": "sshd",       where the header tells
 *    "parameters": [{"type": "ip", "value": "10.0.0.1"}, ...],     only where they are wanted: what
 *                                       varies in its template, by place; word, number, hex, ip,
 *                                       mac, uuid, time, path, url, host or email
 *    "time": "...", "source": {"topic": "app.log", "partition": 0, "offset": 17}} */
struct ed_line_told {
    const eddy_doc *doc;
    uint64_t event, group, template, signature;
    int founded;
    eddy_level level;
    eddy_str component, message;
    const eddy_parameter *parameters; /* (n_parameters) in message; NULL: not told */
    size_t n_parameters;
};
eddy_status ed_publish_line(const struct ed_publisher *p, struct ed_epoch *epoch,
                            const struct ed_line_told *line, eddy_error *err);

/* The same topic, key: the template's name, ce_type eddy.count: how many lines of a minute of
 * stream time had it.
 *
 *   {"template": "t1-...", "event": "E12", "lines": 40, "from": "...", "to": "..."} */
struct ed_count_told {
    uint64_t template, event, lines;
    int64_t from_ms, to_ms;
};
eddy_status ed_publish_count(const struct ed_publisher *p, struct ed_epoch *epoch,
                             const struct ed_count_told *count, eddy_error *err);

/* Topic eddy.templates (compacted), key: the template's name, ce_type eddy.template: a form of log
 * lines as it is when something becomes of it, and when it has had 1, 2, 5, 10, 20, 50 ... lines.
 *
 *   {"id": "t1-...", "state": "active",        active, faded, merged
 *    "merged_into": null,
 *    "text": "Accepted password for <*> from <*> port <*>",
 *    "event": "E12", "group": "G34", "lines": 40,
 *    "level": "info", "component": "sshd",       of its first line
 *    "first_seen": "...", "last_seen": "...", "stream_time": "..."} */
struct ed_template_told {
    const eddy_template *template;
    const char *state;
    uint64_t event, group, lines;
    uint64_t line; /* the number of a line, of which each tells a template at most once */
    eddy_level level;
    eddy_str component, exceptions;
    int64_t stream_ms;
};
eddy_status ed_publish_template(const struct ed_publisher *p, struct ed_epoch *epoch,
                                const struct ed_template_told *told, eddy_error *err);

/* Topic eddy.changes, key: the template's name, ce_type eddy.template.KIND, ce_id
 * "PIPELINE-line-LINE-INDEX".
 *
 *   {"id": "eddy-line-1042-0",
 *    "kind": "template_merged",         template_founded, _merged, _split, _faded
 *    "template": "t1-...",
 *    "other": "t1-...",                 merged: it lives on; split: it came out of that
 *    "event": "E12",                    where its document is; null: nowhere (yet)
 *    "line": 1042, "time": "...",       number of the line that did it
 *    "reason": "words",                 merged, split: words, variable or pair ...
 *    "place": "0a..", "word": 4, "values": 6, "words": ["admin", ...]}    ... and what was seen
 * there */
eddy_status ed_publish_template_change(const struct ed_publisher *p, struct ed_epoch *epoch,
                                       const eddy_template_change *change, uint64_t index,
                                       uint64_t event, eddy_error *err);

/* Topic eddy.dead; key, value and headers as they came, then Kafka Connect's error headers
 * (__connect.errors.topic, partition, offset, connector.name, task.id, stage, class.name,
 * exception.class.name, exception.message) and eddy.error.code, one of eddy_reject_code.
 *
 *   letter_max  bytes of key, headers and value together: a dead letter must fit into a message.
 *               The key may take a quarter and is cut there; headers that do not fit into another
 *               quarter are left out and counted in eddy.headers.dropped; the value takes the rest
 *               and is cut there. eddy.key.size and eddy.key.hash, eddy.value.size and
 *               eddy.value.hash tell of the whole ("fnv1a64:...")
 *   detail      one sentence; may be NULL
 *
 * The message's bytes are copied, so raw may go away. A record of a log has all its lines as they
 * came, newlines between them, and the position of the first. */
eddy_status ed_publish_dead(const struct ed_publisher *p, struct ed_epoch *epoch,
                            const eddy_raw *raw, size_t letter_max, eddy_reject reject,
                            const char *detail, eddy_error *err);

/* Topic eddy.vectors, between processes that embed and those with an engine. Value and headers as
 * they came, and behind them ED_HEADER_VECTOR (dense, (dim) float32; empty where dense is NULL, so
 * that no header of the message's own stands in for it), _PHRASES, _MODEL and _POSITION. The key is
 * the document's group, so that one group is one shard; without a group its id. It carries the
 * message's own timestamp, by which the engine's side merges.
 *
 *   phrases  which of doc's extra views is that of its keyphrases, from 1; 0: it has none, and
 *            there is no ED_HEADER_PHRASES */
eddy_status ed_publish_vector(struct ed_epoch *epoch, const eddy_raw *raw, const eddy_doc *doc,
                              size_t dim, size_t phrases, uint64_t model, eddy_error *err);

#endif
