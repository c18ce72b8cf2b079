/* The table. A new option is an entry here and a field in struct ed_config; everything else
 * (parser, errors, help, conf/eddy.yaml, schema) follows. Regenerate the sample after a change:
 * eddy check --defaults > conf/eddy.yaml. */
#include "cli/options.h"

#include "base/log.h"
#include "cli/config.h"

#include <math.h>
#include <string.h>

/* The offset of a field, refused by the compiler when the field is not of the option's type. */
#define AT(field, ctype)                                                                           \
    .offset = offsetof(struct ed_config, field) +                                                  \
              0 * sizeof(_Generic(((struct ed_config *)NULL)->field, ctype : 1))

#define STRING(field)   .type = ED_STRING, AT(field, const char *)
#define INTEGER(field)  .type = ED_INTEGER, AT(field, int64_t)
#define REAL(field)     .type = ED_REAL, AT(field, double)
#define BOOL(field)     .type = ED_BOOL, AT(field, int)
#define CHOICE(field)   .type = ED_CHOICE, AT(field, int)
#define DURATION(field) .type = ED_DURATION, AT(field, int64_t)
#define SIZE(field)     .type = ED_SIZE, AT(field, int64_t)
#define LIST(field)     .type = ED_LIST, .optional = 1, AT(field, struct ed_list)
#define MAP(field)      .type = ED_MAP, AT(field, struct ed_map)
#define WORDS(...)                                                                                 \
    .words = (const struct ed_word[])                                                              \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }
#define RANGE(lo, hi) .min = (lo), .max = (hi)

/* Of the whole; the text's own vector has 0.6 of the rest: as much. */
#define KEYPHRASES_WEIGHT 0.375

#define SECOND  1000.0
#define HOUR    (3600 * SECOND)
#define DAY     (24 * HOUR)
#define CENTURY (36500 * DAY)

/* How a sink of alerts knows us, and we it. */
#define ACCESS(sink, field)                                                                        \
    {sink "_key",                                                                                  \
     STRING(field.key),                                                                            \
     .shape = ED_SECRET,                                                                           \
     .optional = 1,                                                                                \
     .standard = "",                                                                               \
     .help = "A key for it, sent as Authorization: Bearer; best written as "                       \
             "${file:/run/secrets/alerts-key}. It is never shown."},                               \
        {sink "_login",                                                                            \
         STRING(field.login),                                                                      \
         .shape = ED_SECRET,                                                                       \
         .optional = 1,                                                                            \
         .standard = "",                                                                           \
         .help = "Or NAME:PASSWORD, sent as Authorization: Basic. It is never shown."},            \
        {sink "_ca_file", STRING(field.ca_file), .optional = 1, .standard = "",                    \
         .help = "Certificates to trust there (PEM); \"\": those of the system."},                 \
        {sink "_cert_file", STRING(field.cert_file), .optional = 1, .standard = "",                \
         .help = "A certificate of ours, where it asks for one (PEM) ..."},                        \
    {                                                                                              \
        sink "_cert_key_file", STRING(field.cert_key_file),                                        \
            .optional = 1, .standard = "",                                                         \
            .help = "... and its key, which has no password; \"\": it is in the same file."        \
    }

const struct ed_option ed_options[] = {
    {"pipeline", STRING(pipeline), .shape = ED_PIPELINE, .standard = "eddy",
     .help = "Name of this pipeline. It begins the names of its topics and of its consumer group, "
             "so that several pipelines can share a cluster."},
    {"profile", CHOICE(profile), .standard = "none",
     WORDS({"none", ED_PROFILE_NONE}, {"news", ED_PROFILE_NEWS}, {"tickets", ED_PROFILE_TICKETS},
           {"posts", ED_PROFILE_POSTS}, {"logs", ED_PROFILE_LOGS}),
     .help = "Other defaults for a kind of stream; what is set anywhere else wins. "
             "news: events fade after 12 hours, and an idle event must be resembled a little more "
             "to grow. tickets: events never fade. posts: events fade after 7 days. logs: each "
             "message is a line of a log, its templates embedded by hashing; events fade after 7 "
             "days."},
    {"stage", CHOICE(stage), .standard = "all",
     WORDS({"all", ED_STAGE_ALL}, {"embed", ED_STAGE_EMBED}, {"engine", ED_STAGE_ENGINE}),
     .help = "What eddy run does. embed: only read, embed and write to output.vectors; any number "
             "of such processes share the input partitions. engine: only cluster what they write. "
             "all: both, in one process."},
    {"insecure", BOOL(insecure), .standard = "false",
     .help = "Allow settings in kafka that weaken the check of the broker's certificate."},

    {"source.topics", LIST(source.topics), .shape = ED_TOPIC,
     .help = "Kafka topics to read, as a list."},
    {"source.files", LIST(source.files),
     .help = "Files to read instead of topics, a document a line; \"-\" is standard input."},
    {"source.group", STRING(source.group), .shape = ED_GROUP, .standard = "eddy-{pipeline}",
     .help = "Consumer group: its members divide the shards among themselves, and its offsets tell "
             "lag tools what was answered."},
    {"source.instance", STRING(source.instance), .optional = 1, .standard = "",
     .help = "Name of this process in the group (group.instance.id), another one for each: when it "
             "comes back within the session timeout, it goes on at once. \"\": none."},
    {"source.from", CHOICE(source.from_beginning), .standard = "beginning",
     WORDS({"beginning", 1}, {"end", 0}),
     .help = "Where to start in a topic that this pipeline has not read yet."},
    {"source.exit_at_end", BOOL(source.exit_at_end), .standard = "false",
     .help = "Stop when every partition is read to the end that it had at start."},
    {"source.merge_wait", DURATION(source.merge_wait_ms), RANGE(0, HOUR), .standard = "500ms",
     .help = "Partitions are read as one stream, in the order of Kafka's timestamps. One that is "
             "known to have more but does not deliver holds up the others for this long; what it "
             "then brings out of order is counted."},

    {"document.format", CHOICE(document.format), .standard = "json",
     WORDS({"json", EDDY_FORMAT_JSON}, {"lines", EDDY_FORMAT_LINES}, {"logs", EDDY_FORMAT_LOGS}),
     .help = "json: one JSON object a message, its fields found by the pointers below. lines: the "
             "message is the text. logs: the message is a line of a log (plain, syslog, JSON, "
             "logfmt, of a container): time, level and component are told from the text by "
             "themselves, lines of one stack trace are joined, and lines of one form (a template) "
             "are one document of their event."},
    {"document.id", STRING(document.id), .shape = ED_POINTER, .optional = 1, .standard = "/id",
     .help = "JSON pointer (RFC 6901) to the id; without one it is TOPIC-PARTITION-OFFSET. As with "
             "all pointers here, \"\" means that the field is not read."},
    {"document.text", STRING(document.text), .shape = ED_POINTER, .optional = 1,
     .standard = "/text", .help = "JSON pointer to the text."},
    {"document.title", STRING(document.title), .shape = ED_POINTER, .optional = 1,
     .standard = "/title", .help = "JSON pointer to the title."},
    {"document.time", STRING(document.time), .shape = ED_POINTER, .optional = 1, .standard = "/ts",
     .help = "JSON pointer to the document's time, a number or ISO 8601; else Kafka's timestamp "
             "is taken."},
    {"document.time_unit", CHOICE(document.time_unit), .standard = "auto",
     WORDS({"auto", EDDY_UNIT_AUTO}, {"s", EDDY_UNIT_S}, {"ms", EDDY_UNIT_MS}, {"us", EDDY_UNIT_US},
           {"ns", EDDY_UNIT_NS}),
     .help = "Unit of a time that is a number; auto: told from its size."},
    {"document.ahead", DURATION(document.ahead_ms), RANGE(0, CENTURY), WORDS({"any", 0}),
     .standard = "1d",
     .help = "A document whose time is this far beyond Kafka's timestamp takes that timestamp: one "
             "that came from the future would let every event fade. Not for files, whose answers "
             "must not depend on when they are read."},
    {"document.language", STRING(document.language), .shape = ED_POINTER, .optional = 1,
     .standard = "/lang", .help = "JSON pointer to the language."},
    {"document.source", STRING(document.source), .shape = ED_POINTER, .optional = 1,
     .standard = "/source", .help = "JSON pointer to the source: outlet, author, host."},
    {"document.group", STRING(document.group), .shape = ED_POINTER, .optional = 1, .standard = "",
     .help = "JSON pointer to the group: tenant, service."},
    {"document.keyphrases", STRING(document.keyphrases), .shape = ED_POINTER, .optional = 1,
     .standard = "",
     .help = "JSON pointer to keyphrases that come with the message, a string or an array of "
             "strings, for embed.keyphrases: nobody is asked for those of such a document."},
    {"document.vector", STRING(document.vector), .shape = ED_POINTER, .optional = 1, .standard = "",
     .help = "JSON pointer to an embedding that comes with the message, an array of numbers."},
    {"document.vector_dim", INTEGER(document.vector_dim), RANGE(0, 16384), .standard = "0",
     .help = "Its dimensions."},
    {"document.extra", LIST(document.extra),
     .help = "Further vectors that come with the message (image, entities), at most 4, each as "
             "\"/pointer dimensions weight\", for example \"/image 512 0.2\". The weight is its "
             "share of the whole similarity; all weights together are below 1."},
    {"document.languages", LIST(document.languages),
     .help = "Take only documents in these languages, written as the documents do; empty: all."},
    {"document.duplicates", CHOICE(document.duplicates), .standard = "drop",
     WORDS({"drop", 1}, {"keep", 0}),
     .help = "drop: a document with the id, title and text of an earlier one, as a producer that "
             "retries sends it, is left out and counted among the filtered. The same id with "
             "another text is another document; without an id of its own, none is a duplicate. "
             "keep: each message counts."},
    {"document.duplicates_window", INTEGER(document.duplicates_window), RANGE(1, 1 << 24),
     .standard = "65536",
     .help = "How many documents of a shard a duplicate may come after the first; about 40 bytes "
             "of memory each."},
    {"document.max_bytes", SIZE(document.max_bytes), RANGE(1024, 64 * 1048576.0),
     .standard = "1MiB", .help = "A larger message goes to the dead letters unread."},

    {"logs.assignments", CHOICE(logs.assignments), .standard = "lines",
     WORDS({"lines", ED_LOGS_LINES}, {"counts", ED_LOGS_COUNTS}, {"none", ED_LOGS_NONE}),
     .help = "What goes to output.assignments of a log. lines: an answer for each line. counts: "
             "for each template how many lines of a minute had it. none: nothing."},
    {"logs.parameters", BOOL(logs.parameters), .standard = "false",
     .help = "Put into the answer for a line what varies in its template, with its type: numbers, "
             "addresses, paths, ids, times, words."},

    {"embed.model", CHOICE(embed.model), .standard = "auto",
     WORDS({"auto", ED_MODEL_AUTO}, {"hash", ED_MODEL_HASH}, {"encoder", ED_MODEL_ENCODER},
           {"static", ED_MODEL_STATIC}, {"endpoint", ED_MODEL_ENDPOINT},
           {"message", ED_MODEL_MESSAGE}, {"none", ED_MODEL_NONE}),
     .help = "encoder: a sentence encoder from embed.dir. hash: hashed words and letter groups; "
             "needs no file, is fast, and knows no synonyms. static: a table of token vectors from "
             "embed.dir (model2vec, wordllama), nearly as fast, and knows many. auto: encoder or "
             "static by the files that are there, else hash. endpoint: the model of "
             "embed.endpoint, asked over HTTP. message: the vector of document.vector. none: "
             "words only."},
    {"embed.dir", STRING(embed.dir), .optional = 1, .standard = "",
     .help =
         "Directory of the model (tokenizer, weights, config.json). \"\": all-MiniLM-L6-v2, or for "
         "static wordllama-256, in EDDY_MODEL_DIR, else in eddy/models in the user's cache."},
    {"embed.precision", CHOICE(embed.precision), .standard = "auto",
     WORDS({"auto", ED_EMBED_AUTO}, {"f32", ED_EMBED_F32}, {"bf16", ED_EMBED_BF16},
           {"int8", ED_EMBED_INT8}),
     .help = "In what the encoder multiplies. bf16: several times as fast as f32 on a CPU that has "
             "it, and the events are the same; int8: faster still, a little coarser. auto: bf16 on "
             "such a CPU, else f32. A state goes on in the precision that it was made with."},
    {"embed.long", CHOICE(embed.long_texts), .standard = "cut",
     WORDS({"cut", ED_EMBED_CUT}, {"chunks", ED_EMBED_CHUNKS}),
     .help = "Texts that are longer than the encoder reads (256 tokens, some 180 words). cut: the "
             "beginning counts, as is right for news. chunks: the mean of up to 8 overlapping "
             "chunks, each behind the text's beginning, for texts that come to the point late; up "
             "to 8 times the work. A state goes on in the way that it was made with."},
    {"embed.prefix", STRING(embed.prefix), .optional = 1, .standard = "auto",
     .help = "What the encoder puts before each text, for models that want to know what it is for: "
             "\"query: \". auto: what the model's own files say; \"\": nothing."},
    {"embed.workers", INTEGER(embed.workers), RANGE(1, 256), WORDS({"auto", 0}), .standard = "auto",
     .help = "Threads that parse and embed; auto: one for each processor, and for an endpoint at "
             "least one for each request that may be under way."},
    {"embed.cache", SIZE(embed.cache), RANGE(0, 1e12), .standard = "64MiB",
     .help = "Memory for vectors of texts that were embedded before, so that the same text is not "
             "embedded again; the last used stay. It is taken as it fills. 0: none."},
    {"embed.keyphrases", REAL(embed.keyphrases), RANGE(0, 0.9),
     WORDS({"off", 0}, {"on", KEYPHRASES_WEIGHT}), .standard = "off",
     .help = "Compare documents by their keyphrases as well: a language model (reason.kind llm) is "
             "asked what each document is about before it is clustered, several documents a "
             "request, within the budgets of reason; its answer is embedded beside the text, as a "
             "second half of the document's vector. on: both halves count the same. A number: the "
             "share of keyphrases in the whole similarity. A document without an answer is "
             "compared by its text alone. A state made with them is not continued without, nor "
             "with another share."},
    {"embed.keyphrases_wait", DURATION(embed.keyphrases_wait_ms), RANGE(100, DAY),
     .standard = "10s",
     .help = "How long an asking for keyphrases may take. Documents wait for at most twice that, "
             "for the one before may have to end; then they go on without. For files and replays, "
             "where nobody waits for the answers, it may be long."},

    {"embed.endpoint.url", STRING(embed.endpoint.url), .optional = 1, .standard = "",
     .help = "The endpoint of embed.model endpoint, any that speaks OpenAI's /v1/embeddings (vLLM, "
             "Ollama, llama.cpp, TEI): http://localhost:8080/v1, https://api.example.com/v1. Plain "
             "http only to this machine, unless insecure is set. Documents wait as long as it is "
             "down or busy."},
    {"embed.endpoint.model", STRING(embed.endpoint.model), .optional = 1, .standard = "",
     .help = "The model's name there. A state goes on with the same model, dimensions, prefix and "
             "tokens, wherever the endpoint is."},
    {"embed.endpoint.key", STRING(embed.endpoint.key), .shape = ED_SECRET, .optional = 1,
     .standard = "",
     .help = "The key, sent as Authorization: Bearer; best written as "
             "${file:/run/secrets/embed-key}. It is never shown."},
    {"embed.endpoint.ca_file", STRING(embed.endpoint.ca_file), .optional = 1, .standard = "",
     .help = "Certificates to trust there (PEM); \"\": those of the system."},
    {"embed.endpoint.deny_private", BOOL(embed.endpoint.deny_private), .standard = "false",
     .help = "Connect to public addresses only, whatever the name resolves to."},
    {"embed.endpoint.prefix", STRING(embed.endpoint.prefix), .optional = 1, .standard = "",
     .help = "Stands before each text, for models that want to know what it is for: "
             "\"clustering: \"."},
    {"embed.endpoint.dimensions", INTEGER(embed.endpoint.dimensions), RANGE(1, 16384),
     WORDS({"model", 0}), .standard = "model",
     .help = "Dimensions to ask for, where the model can shorten its vectors; else it must have so "
             "many. model: as many as it has."},
    {"embed.endpoint.tokens", INTEGER(embed.endpoint.tokens), RANGE(32, 1048576), .standard = "480",
     .help = "Longer texts are cut; tokens are estimated, English has some 4.5 bytes to one. Most "
             "sentence encoders read 512 at most."},
    {"embed.endpoint.batch", INTEGER(embed.endpoint.batch), RANGE(1, 4096), .standard = "32",
     .help = "Texts in a request at most ..."},
    {"embed.endpoint.batch_tokens", INTEGER(embed.endpoint.batch_tokens), RANGE(32, 1e9),
     .standard = "16384", .help = "... and their tokens."},
    {"embed.endpoint.concurrency", INTEGER(embed.endpoint.concurrency), RANGE(1, 256),
     .standard = "4", .help = "Requests under way at once."},
    {"embed.endpoint.timeout", DURATION(embed.endpoint.timeout_ms), RANGE(SECOND, HOUR),
     .standard = "1m",
     .help = "For an answer; then the texts are asked for again, fewer at once. At the start the "
             "endpoint is waited for no more than ten seconds."},
    {"embed.endpoint.calls_minute", REAL(embed.endpoint.calls_minute), RANGE(0.1, 1e6),
     WORDS({"any", 0}), .standard = "any",
     .help = "Requests a minute of this process, each try is one; they are spread evenly, and what "
             "is over it waits."},

    {"engine.dense_weight", REAL(engine.dense_weight), RANGE(0, 1), .standard = "0.6",
     .help = "Weight of the embedding of a short text against its words; long texts lean more on "
             "words by themselves."},
    {"engine.granularity", REAL(engine.granularity), RANGE(-10, 10),
     WORDS({"event", 0}, {"fine", 1}, {"coarse", -1}), .standard = "event",
     .help =
         "How alike the documents of an event are: fine asks for more than the threshold that "
         "is learned from the stream, coarse for less. A number is counted in spreads (standard "
         "deviations) of similarity."},
    {"engine.threshold", REAL(engine.threshold), RANGE(-0.999, 0.999), WORDS({"learned", NAN}),
     .standard = "learned",
     .help = "A fixed threshold of similarity in place of the learned one; for those who insist."},
    {"engine.fade", DURATION(engine.fade_ms), RANGE(0, CENTURY), WORDS({"never", 0}),
     .standard = "7d",
     .help = "An event without new documents for this long, in the stream's own time, fades: it "
             "takes no more documents, and its last picture stays in the events topic."},
    {"engine.half_life", DURATION(engine.half_life_ms), RANGE(0, CENTURY), WORDS({"never", 0}),
     .standard = "never",
     .help = "Time after which a document counts half in its event, so that the event drifts with "
             "the news of it."},
    {"engine.idle_penalty", REAL(engine.idle_penalty), RANGE(0, 0.999), .standard = "0",
     .help = "Similarity that a long idle event loses when a document asks to join it."},
    {"engine.idle_half", DURATION(engine.idle_half_ms), RANGE(1, CENTURY), .standard = "6h",
     .help = "Idle time after which half of that penalty holds."},
    {"engine.stability", REAL(engine.stability), RANGE(0, 0.999), .standard = "0.01",
     .help = "Similarity that must be gained before documents move or an event splits; higher: "
             "fewer changes."},
    {"engine.detail", INTEGER(engine.detail), RANGE(1, 64), .standard = "8",
     .help = "Groups kept inside an event; they are what moves and splits later. Costs memory."},
    {"engine.repair_every", INTEGER(engine.repair_every), RANGE(1, 1048576), .standard = "256",
     .help = "Documents between two repair passes (move, split, merge, fade)."},
    {"engine.events_max", INTEGER(engine.events_max), RANGE(16, 10000000), .standard = "20000",
     .help = "Active events at most; beyond, the longest idle one fades early, and is counted."},
    {"engine.words_max", INTEGER(engine.words_max), RANGE(1024, 268435456), .standard = "131072",
     .help = "Words whose frequency is kept; beyond, rare ones are forgotten, and counted."},
    {"engine.window", INTEGER(engine.window), RANGE(0, 1048576), .standard = "4096",
     .help = "Last documents that are kept with their vectors, for explanations, for the questions "
             "of a "
             "reasoner, and to move one document. About 1 kB each, in memory and in the state."},
    {"engine.topics", CHOICE(engine.topics),
     WORDS({"off", EDDY_TOPICS_OFF}, {"direct", EDDY_TOPICS_DIRECT},
           {"description", EDDY_TOPICS_DESCRIPTION}),
     .standard = "direct",
     .help =
         "Group events into topics and topics into themes, by the documents themselves (direct) "
         "or by what a reasoner has written of the events (description). Events are the same "
         "in any case."},

    {"signals.false_alarms", REAL(signals.false_alarms), RANGE(0, 1e6), WORDS({"off", 0}),
     .standard = "1",
     .help =
         "Bursts and silences of events that may be told where there are none: so many a day of "
         "the stream's own time, over all events. Fewer: only what is plainer is told, and "
         "later. off: no signals."},

    {"batch.max", INTEGER(batch.max), RANGE(1, 4096), .standard = "4096",
     .help = "Documents in an epoch (what becomes visible together) at most; fewer where a worker "
             "embeds fewer in a second. Results do not depend on it."},
    {"batch.wait", DURATION(batch.wait_ms), RANGE(1, 60 * SECOND), .standard = "100ms",
     .help = "An epoch that is not full ends after this time, or when the answers before it are on "
             "their way out."},
    {"batch.ring", INTEGER(batch.ring), RANGE(2, 256), WORDS({"auto", 0}), .standard = "auto",
     .help =
         "Epochs under way at most; then nothing more is read. auto: two more than embed.workers. "
         "With documents of 4 kB a full one takes some 50 MB."},

    {"output.dir", STRING(output.dir), .optional = 1, .standard = "",
     .help = "Write files (JSON Lines) into this directory instead of Kafka topics; \"-\": all to "
             "standard output."},
    {"output.assignments", STRING(output.topics[ED_ASSIGNMENTS]), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.assignments",
     .help = "Topic of the answers, one a document. As with all of them but vectors, \"\" "
             "means not kept."},
    {"output.events", STRING(output.topics[ED_EVENTS]), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.events", .help = "Topic of the events' latest pictures, compacted."},
    {"output.changes", STRING(output.topics[ED_CHANGES]), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.changes",
     .help = "Topic of the changes that people alert on: born, grew, merged, split, faded, ..."},
    {"output.dead", STRING(output.topics[ED_DEAD]), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.dead", .help = "Topic of the messages that could not be used."},
    {"output.dead_max_bytes", SIZE(output.dead_max_bytes), RANGE(0, 64 * 1048576.0),
     .standard = "512KiB",
     .help = "Bytes that are kept of such a message: key, headers and value together."},
    {"output.create_topics", BOOL(output.create_topics), .standard = "true",
     .help = "Create output topics that are missing."},
    {"output.partitions", INTEGER(output.partitions), RANGE(1, 10000), .standard = "1",
     .help = "Partitions of topics that are created."},
    {"output.replication", INTEGER(output.replication), RANGE(1, 100), WORDS({"broker", -1}),
     .standard = "broker", .help = "Their copies; broker: as many as the broker likes."},
    {"output.deliver_within", DURATION(output.deliver_ms), RANGE(SECOND, HOUR), .standard = "30s",
     .help = "Time for the broker to take a batch of answers before it is tried again."},

    {"output.vectors", STRING(output.topics[ED_VECTORS]), .shape = ED_TOPIC,
     .standard = "{pipeline}.vectors",
     .help = "Topic between processes with stage embed and those with stage engine: the documents "
             "with their vectors, by document.group."},
    {"output.operations", STRING(output.topics[ED_OPERATIONS]), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.operations",
     .help = "Topic of what people, programs and language models have decided (merge, split, "
             "rename, ...) and what became of it: what a replay takes up again."},
    {"output.templates", STRING(output.topics[ED_TEMPLATES]), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.templates",
     .help = "Topic of the templates of log lines (document.format logs), compacted: their latest "
             "form, how many lines had it, and the event that holds them."},
    {"output.alerts", STRING(output.topics[ED_ALERTS]), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.alerts",
     .help = "Topic of alerts (alerts.rules): each beginning, news of it, and end, exactly once."},
    {"alerts.rules", LIST(alerts.rules),
     .help = "What people are to be told of, a line each: a name, and what is asked for.\n"
             "kind=A|B: changes of these kinds (born, grew, drifted, merged, split, renamed, "
             "faded, burst, quiet, trend, template_founded, ...); without, all that the measures "
             "say of an event. Measures: size (documents), rate (an hour), growth (times as many), "
             "novelty (0 to 1), each with >= or <=. keywords=A|B: one of them is in the name or "
             "the keywords. topic=T3. clear=0.8: the share of a bound at which an alert ends. "
             "hold=2h: it ends when for so long nothing met the rule. quiet=22:00-07:00: hours "
             "(UTC) in which nothing begins; it is told at their end. severity=warning.\n"
             "For example:\n"
             "  - \"big size>=100 severity=critical\"\n"
             "  - \"surge kind=burst|trend growth>=3 quiet=22:00-07:00\"\n"
             "  - \"unknown kind=template_founded keywords=error|failed hold=1h\""},
    {"alerts.alertmanager", STRING(alerts.alertmanager), .optional = 1, .standard = "",
     .help =
         "URL of Alertmanager, for eddy alert: http://localhost:9093. Rule, event, pipeline and "
         "severity are labels, all else annotations. \"\": none."},
    ACCESS("alerts.alertmanager", alerts.alertmanager_access),
    {"alerts.resend", DURATION(alerts.resend_ms), RANGE(SECOND, HOUR), .standard = "1m",
     .help = "How often it is sent what is active; after four times that it forgets."},
    {"alerts.webhook", STRING(alerts.webhook), .shape = ED_SECRET, .optional = 1, .standard = "",
     .help =
         "URL that each message is sent to by POST, with its id as Idempotency-Key. \"\": none."},
    {"alerts.webhook_body", STRING(alerts.webhook_body), .optional = 1, .standard = "",
     .help =
         "What is sent there, with {{rule}}, {{state}}, {{event}}, {{name}}, {{size}} and other "
         "fields of the message, {{pipeline}} and {{link}}, each to stand between the quotes of "
         "a JSON string. \"\": the message itself."},
    ACCESS("alerts.webhook", alerts.webhook_access),
    {"alerts.slack", STRING(alerts.slack), .shape = ED_SECRET, .optional = 1, .standard = "",
     .help = "URL of an incoming webhook of Slack, or of what takes the same form. \"\": none."},
    {"alerts.link", STRING(alerts.link), .optional = 1, .standard = "",
     .help = "Address of the pages of this pipeline, to be sent along. \"\": none."},
    {"alerts.group", STRING(alerts.group), .shape = ED_GROUP, .standard = "eddy-{pipeline}-alerts",
     .help = "Consumer group under which eddy alert keeps how far it has got."},
    {"control.topic", STRING(control.topic), .shape = ED_TOPIC, .optional = 1,
     .standard = "{pipeline}.control",
     .help = "Topic of what people and programs ask for (eddy merge, split, rename, pin, undo, "
             "...), a partition for each shard. \"\": nobody may ask."},
    {"state.topic", STRING(state.topic), .shape = ED_TOPIC, .standard = "{pipeline}.state",
     .help = "Topic of the state, compacted: a restart goes on from there, exactly where it "
             "stopped. Who loses it begins anew."},
    {"state.dir", STRING(state.dir), .optional = 1, .standard = "",
     .help = "Directory for a local copy of the state, so that a restart reads only the rest of "
             "the topic. May be lost at any time. \"\": none."},
    {"state.shards", INTEGER(state.shards), RANGE(1, 10000), .standard = "1",
     .help = "Independent clusterings, each of the input partitions p with p modulo shards the "
             "same, and as many partitions of the state topic. Cannot change later."},
    {"state.standby", BOOL(state.standby), .standard = "true",
     .help = "Follow the shards that other processes own, so that taking one over takes no time. "
             "Costs as much memory as owning it."},

    {"serve.port", INTEGER(serve.port), RANGE(1, 65535), WORDS({"auto", ED_PORT_AUTO}, {"off", 0}),
     .standard = "auto",
     .help = "Port of metrics (/metrics), health (/healthz, /readyz, /startupz) and API (/api/v1). "
             "auto: eddy run takes 7411, or the next one that is free, other commands none."},
    {"serve.address", STRING(serve.address), .standard = "127.0.0.1",
     .help = "Address to listen on. The default is for this machine alone; 0.0.0.0 or :: is for "
             "all, who may then read what events are about: there is no password for reading."},
    {"serve.hosts", LIST(serve.hosts),
     .help = "Names under which it may be asked, beside addresses and localhost: those of a proxy "
             "or a service. Others are refused, so that no web page can reach it by a name of its "
             "own (DNS rebinding)."},
    {"serve.token", STRING(serve.token), .shape = ED_SECRET, .optional = 1, .standard = "",
     .help = "What who merges, splits or renames by the API must send, as Authorization: Bearer; "
             "best written as ${file:/run/secrets/eddy-token}. \"\": nobody may."},
    {"reason.kind", CHOICE(reason.kind), .standard = "statistics",
     WORDS({"off", ED_REASON_OFF}, {"statistics", ED_REASON_STATISTICS}, {"llm", ED_REASON_LLM}),
     .help = "Who looks at the events beside the clustering, names and describes them, and settles "
             "what is in doubt. statistics: needs nothing, and the same stream gives the same "
             "answers. llm: a language model at reason.url, asked beside the stream, which never "
             "waits for it; statistics stand in where it does not answer. off: nobody."},
    {"reason.every", INTEGER(reason.every), RANGE(1, 1048576), .standard = "1024",
     .help = "statistics: documents between two looks."},
    {"reason.interval", DURATION(reason.interval_ms), RANGE(0, DAY), .standard = "1m",
     .help = "llm: time between two passes ..."},
    {"reason.changes", INTEGER(reason.changes), RANGE(1, 1e9), WORDS({"never", 0}),
     .standard = "never", .help = "... but not later than after so many changes of events."},
    {"reason.questions", INTEGER(reason.questions), RANGE(1, 10000), .standard = "32",
     .help = "llm: questions in a pass at most, those worth most first."},
    {"reason.last", DURATION(reason.last_ms), RANGE(0, DAY), .standard = "1m",
     .help = "llm: at the end of all input (files, replays) the last pass may take so long."},
    {"reason.url", STRING(reason.url), .optional = 1, .standard = "",
     .help = "The endpoint, any that speaks OpenAI's /v1/chat/completions: "
             "http://localhost:8080/v1, https://api.example.com/v1. Plain http only to this "
             "machine, unless insecure is set."},
    {"reason.model", STRING(reason.model), .optional = 1, .standard = "",
     .help = "The model's name there."},
    {"reason.key", STRING(reason.key), .shape = ED_SECRET, .optional = 1, .standard = "",
     .help =
         "The key, sent as Authorization: Bearer; best written as ${file:/run/secrets/llm-key}. "
         "It is never shown."},
    {"reason.ca_file", STRING(reason.ca_file), .optional = 1, .standard = "",
     .help = "Certificates to trust there (PEM); \"\": those of the system."},
    {"reason.deny_private", BOOL(reason.deny_private), .standard = "false",
     .help = "Connect to public addresses only, whatever the name resolves to."},
    {"reason.timeout", DURATION(reason.timeout_ms), RANGE(SECOND, HOUR), .standard = "1m",
     .help = "For an answer, all tries included."},
    {"reason.concurrency", INTEGER(reason.concurrency), RANGE(1, 256), .standard = "4",
     .help = "Requests under way at once, of passes and for keyphrases each."},
    {"reason.retries", INTEGER(reason.retries), RANGE(0, 20), .standard = "4",
     .help = "Tries after the first, where that may help."},
    {"reason.calls_hour", INTEGER(reason.calls_hour), RANGE(1, 1e12), WORDS({"any", 0}),
     .standard = "any",
     .help = "Budgets, of this process with all its shards: requests an hour, each try is one ..."},
    {"reason.calls_day", INTEGER(reason.calls_day), RANGE(1, 1e12), WORDS({"any", 0}),
     .standard = "any", .help = "... and a day,"},
    {"reason.tokens_hour", INTEGER(reason.tokens_hour), RANGE(1, 1e15), WORDS({"any", 0}),
     .standard = "any", .help = "tokens, in and out, an hour ..."},
    {"reason.tokens_day", INTEGER(reason.tokens_day), RANGE(1, 1e15), WORDS({"any", 0}),
     .standard = "any", .help = "... and a day,"},
    {"reason.money_hour", REAL(reason.money_hour), RANGE(0, 1e9), WORDS({"any", 0}),
     .standard = "any", .help = "and money an hour ..."},
    {"reason.money_day", REAL(reason.money_day), RANGE(0, 1e9), WORDS({"any", 0}),
     .standard = "any",
     .help = "... and a day. What is over a budget waits, and statistics stand in; documents go "
             "without keyphrases."},
    {"reason.price_in", REAL(reason.price_in), RANGE(0, 1e6), .standard = "0",
     .help = "Price of a million tokens that go in ..."},
    {"reason.price_out", REAL(reason.price_out), RANGE(0, 1e6), .standard = "0",
     .help = "... and of a million that come out."},
    {"reason.cache", INTEGER(reason.cache), RANGE(0, 1000000), .standard = "4096",
     .help = "Answers kept, so that the same question is not paid twice."},
    {"reason.error", REAL(reason.error), RANGE(0.001, 0.499), .standard = "0.1",
     .help = "How often an answer of this model is wrong: the less, the more one answer moves."},
    {"reason.language", STRING(reason.language), .optional = 1, .standard = "",
     .help = "Language of names and summaries, in words: English, Deutsch. \"\": that of the "
             "documents."},
    {"reason.granularity", STRING(reason.granularity), .optional = 1, .standard = "",
     .help = "What counts as one event, as a sentence for the model. \"\": its own default."},
    {"reason.categories", LIST(reason.categories),
     .help = "The only categories there are; empty: the model finds its own."},
    {"reason.prompts", STRING(reason.prompts), .optional = 1, .standard = "",
     .help = "Directory with prompts of your own (name.md, same.md, ...; the others are as they "
             "are compiled in, see conf/prompts)."},

    {"log.level", CHOICE(log.level), .standard = "info",
     WORDS({"error", ED_LOG_ERROR}, {"warn", ED_LOG_WARN}, {"info", ED_LOG_INFO},
           {"debug", ED_LOG_DEBUG}),
     .help = "How much is said on standard error, a logfmt line for one event; text of documents "
             "never is. debug: each request to another server that is tried again, too."},

    {"kafka", MAP(kafka),
     .help = "Settings of librdkafka by their own names, for reading and writing. Those that eddy "
             "must own for its promises are refused, and so are those that run programs.\n"
             "For example:\n"
             "  bootstrap.servers: localhost:9092\n"
             "  security.protocol: sasl_ssl\n"
             "  sasl.mechanism: SCRAM-SHA-512\n"
             "  sasl.username: eddy\n"
             "  sasl.password: ${file:/run/secrets/kafka-password}"},
    {"kafka_consumer", MAP(kafka_consumer),
     .help = "The same for reading only; wins over kafka. For example:\n"
             "  queued.max.messages.kbytes: 16384"},
    {"kafka_producer", MAP(kafka_producer),
     .help = "The same for writing only; wins over kafka. For example:\n"
             "  compression.type: lz4"},
};

const struct ed_section ed_sections[] = {
    {"source", "Where documents come from."},
    {"document", "How a message becomes a document."},
    {"logs", "What is told of the lines of a log."},
    {"embed", "How a text becomes a vector."},
    {"embed.endpoint", "Who makes the vectors of embed.model endpoint."},
    {"engine", "How documents become events."},
    {"signals", "What is unusual: bursts, silences, trends."},
    {"batch", "How much goes at once."},
    {"output", "Where the answers go."},
    {"alerts", "Who is told of what."},
    {"control", "Where operations come in."},
    {"state", "How it goes on after a restart."},
    {"serve", "What it shows by HTTP."},
    {"reason", "Who names, describes, and settles what is in doubt."},
    {"log", "What it says on standard error."},
    {NULL, NULL},
};

const size_t ed_options_n = sizeof ed_options / sizeof *ed_options;
_Static_assert(sizeof ed_options / sizeof *ed_options <= ED_OPTIONS_MAX, "raise ED_OPTIONS_MAX");

int ed_option_find(const char *key, size_t n_key)
{
    for (size_t i = 0; i < ed_options_n; i++)
        if (strlen(ed_options[i].key) == n_key && memcmp(ed_options[i].key, key, n_key) == 0)
            return (int)i;
    return -1;
}

int ed_option_is_section(const char *path, size_t n_path)
{
    for (size_t i = 0; i < ed_options_n; i++)
        if (strncmp(ed_options[i].key, path, n_path) == 0 && ed_options[i].key[n_path] == '.')
            return 1;
    return 0;
}

/* Optimal string alignment in three rows. Keys longer than a row are never near. */
size_t ed_edit_distance(const char *a, const char *b, size_t most)
{
    enum { LONGEST = 63 };
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST || n > m + most || m > n + most)
        return most;

    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        above[j] = before[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[m] < most ? above[m] : most;
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

/* Near is: at most a third of the letters wrong; or the last part right, or one letter off, in
 * another section ("fade" for "engine.fade"). */
const char *ed_option_nearest(const char *key)
{
    const size_t far = strlen(key) / 3 + 2;
    const char *nearest = NULL;
    size_t best = far;
    for (const struct ed_section *section = ed_sections; section->name; section++) {
        size_t dist = ed_edit_distance(key, section->name, far);
        if (dist < best) {
            best = dist;
            nearest = section->name;
        }
    }
    for (size_t i = 0; i < ed_options_n; i++) {
        const char *option = ed_options[i].key;
        size_t dist = ed_edit_distance(key, option, far);
        if (strlen(last_part(key)) > 2) {
            size_t end = ed_edit_distance(last_part(key), last_part(option), 2);
            if (end < 2 && end + 1 < dist)
                dist = end + 1;
        }
        if (dist < best) {
            best = dist;
            nearest = option;
        }
    }
    return nearest;
}
