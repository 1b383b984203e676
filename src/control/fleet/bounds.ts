/** What the protocol between collectors and controllers takes, at most. */
export const FLEET_BOUNDS = {
  /** A request, and a reply but for those below. */
  messageBytes: 262_144,
  /** The reply of Members and Member. */
  pageBytes: 4_194_304,
  /** A body that is fetched by its digest: a document of the fleet's config is not larger. */
  bodyBytes: 8_388_608,
  /** The reply of Fetch: a body in Base64, and what is around it. */
  fetchReplyBytes: 11_249_408,
  /** A directive's body that comes with it; a larger one is fetched. */
  inlineBytes: 8_192,
  /** A document of the fleet's config that comes with its directive; a larger one is fetched. */
  documentBytes: 32_768,
  /** Scopes of directives: the world's, and those of a region. */
  scopes: 64,
  /** Collectors in one page of Members. */
  page: 200,
  /** Goodbyes that a controller remembers, and tells with its members. */
  left: 200,
  /** Between two Reports of a collector. */
  shortestReportMs: 500,
  longestReportMs: 60_000,
  addresses: 16,
  tags: 64,
  /** Members of one selection, and selections of one node: as a config has them. */
  found: 64,
  selections: 16,
  /** What a node may say that it carries, holds, or has counted. */
  quantity: 1e15,
  text: 256,
  reason: 500,
} as const;
