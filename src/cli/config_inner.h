/* What the files of the configuration share among themselves. */
#ifndef ED_CLI_CONFIG_INNER_H
#define ED_CLI_CONFIG_INNER_H

#include "cli/config.h"

/* A value on its way in: written is the text before substitution, NULL when that is the same. */
struct ed_value {
    const char *text;
    const char *written;
};

#define ED_VALUE_MAX  65536 /* bytes of one value, and of a file that a ${file:} names */
#define ED_ITEMS_MAX  65536 /* items of a list */
#define ED_PAIRS_MAX  256   /* settings of a map */
#define ED_PLACE_TEXT 400   /* room for the text of an origin */
#define ED_SHOWN_TEXT 64    /* room for a value in a message */

/* ---- config.c ---- */

/* The field of an option. */
void *ed_config_field(const struct ed_config *config, const struct ed_option *option);
/* A complaint about key (with its place), NULL: about the place as a whole. */
__attribute__((format(printf, 4, 5))) void ed_config_complain_at(struct ed_config *config,
                                                                 const struct ed_origin *origin,
                                                                 const char *key,
                                                                 const char *format, ...);
/* Take a value, unless a higher layer has spoken. Lists are split at commas. */
void ed_config_assign(struct ed_config *config, const struct ed_option *option,
                      struct ed_value value, struct ed_origin origin);
/* Begin a list anew, and add to it. 0 from begin: a higher layer has spoken. */
int ed_config_list_begin(struct ed_config *config, const struct ed_option *option,
                         struct ed_origin origin);
void ed_config_list_add(struct ed_config *config, const struct ed_option *option,
                        struct ed_value value);
/* Set one name of a map, unless a higher layer has. */
void ed_config_assign_pair(struct ed_config *config, const struct ed_option *option,
                           const char *name, struct ed_value value, struct ed_origin origin);
/* The option that a key names; for settings of a map, *ret_name is the rest of the key, else NULL.
 * NULL: there is none. */
const struct ed_option *ed_config_resolve(const char *key, const char **ret_name);
const struct ed_pair *ed_map_find(const struct ed_map *map, const char *name);
/* Copies in the arena; NULL (and config->failed) when there is no memory. */
const char *ed_config_copy(struct ed_config *config, const char *text, size_t n);
/* The value of an environment variable, or NULL. */
const char *ed_config_variable(const struct ed_config *config, const char *name, size_t n_name);

/* ---- config_substitute.c ---- */

/* Put in what ${VAR}, ${VAR:-default} and ${file:/path} stand for; $${ is a plain ${. The result
 * is in the arena. 0 after a complaint about key at origin. */
int ed_config_substitute(struct ed_config *config, const char *text, const char *key,
                         const struct ed_origin *origin, struct ed_value *ret);

/* ---- config_kafka.c ---- */

/* Complain of settings that are eddy's own, dangerous, or weaken TLS without insecure. */
void ed_config_check_kafka(struct ed_config *config);
/* 1: the value of this librdkafka setting is not for printing. */
int ed_kafka_is_secret(const char *name);

#endif
