/** What a controller says of itself in the registry, as `metadata` of its member. */

/** What it is: names with commas between them. */
export const MEMBER_ROLES = "roles";
/** Whether it is dialled with TLS. */
export const MEMBER_TLS = "tls";
/** The highest `schema` of documents that it reads; those without a word read only the first. */
export const MEMBER_SCHEMA_MAX = "schema_max";
