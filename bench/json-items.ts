/** A request, a resource or a scope, as far as it is looked at. */
type Level = Readonly<Record<string, readonly Level[] | undefined>>;

/** Spans, log records or metrics of a request in JSON. Throws SyntaxError where it is none. */
export function countJsonItems(text: Buffer): number {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the router wrote
  const request = JSON.parse(text.toString()) as Level;
  let items = 0;
  for (const resource of request["resourceSpans"] ?? request["resourceLogs"] ?? request["resourceMetrics"] ?? []) {
    for (const scope of resource["scopeSpans"] ?? resource["scopeLogs"] ?? resource["scopeMetrics"] ?? []) {
      items += (scope["spans"] ?? scope["logRecords"] ?? scope["metrics"] ?? []).length;
    }
  }
  return items;
}
