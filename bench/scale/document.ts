/** A document of a fleet's config with exactly so many bytes; each version is another one. */
export function documentOf(version: number, bytes: number): string {
  const targets = [0, 1, 2, 3].map((i) => ({ id: `t${i}`, endpoint: `http://gateway-${i}.example:4317` }));
  const written = (padding: string): string =>
    `${JSON.stringify({ targets, default_pool: { targets: ["t0"] }, global: { metadata: { version: String(version), padding } } }, undefined, 1)}\n`;
  const bare = written("").length;
  if (bare > bytes) throw new Error(`a document has ${bare} bytes at least`);
  return written("x".repeat(bytes - bare));
}
