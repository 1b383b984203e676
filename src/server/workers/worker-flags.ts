/**
 * A nursery of 8 MiB, twice: bodies are not in it, so it need not be emptied early for them, and at
 * 1 MiB a third of all objects are copied because their requests are still under way. Per request
 * 8.1 instead of 10.1 us at 10 spans, 25.4 instead of 30.3 at 100; no better with 16. On the
 * command line V8 raises a growth factor of 1 to 2: with that the nursery would become 64 MiB. The
 * rest, of collecting and compiling, is as in bin/signalbox.js; other cores are for other workers.
 *
 * No pretenuring: of 10,000 rules that are read all objects stay, from which V8 concludes that what
 * the same code makes for requests stays, too, and makes it where only a collection of the whole
 * heap finds it: one for each 13,000 requests, where there was none in 60,000 without.
 */
export const WORKER_FLAGS = [
  "--min-semi-space-size=8",
  "--max-semi-space-size=8",
  "--heap-growing-percent=200",
  "--no-allocation-site-pretenuring",
  "--concurrent-marking-max-worker-num=1",
  "--max-inlined-bytecode-size-cumulative=4000",
  "--max-inlined-bytecode-size=1000",
];

/**
 * Each thread of V8's that compiles or collects has a heap of the C library's for itself otherwise,
 * which is never given back: 15 to 25 MB. Two: one for this thread, one for all others.
 */
export const ALLOCATOR = { MALLOC_ARENA_MAX: "2" };

/**
 * What the main process was told of its heap is meant for those that carry the data; and whom TLS
 * trusts, and how it speaks, is the same for checks of targets, which the main process makes, and
 * for calls.
 */
const INHERITED = [
  /^--(?:max|min|initial)[-_](?:old|semi|heap)[-_]\S+=/u,
  /^--(?:no[-_])?use[-_](?:openssl|bundled|system)[-_]ca$/u,
  /^--openssl[-_](?:config=.*|shared[-_]config|legacy[-_]provider)$/u,
  /^--(?:enable|force)[-_]fips$/u,
  /^--tls[-_](?:(?:min|max)[-_]v1\.[0-3]|cipher[-_]list=.*)$/u,
];
/** Their values may be the next argument, too. */
const WITH_VALUE = /^--(?:openssl[-_]config|tls[-_]cipher[-_]list)$/u;

/**
 * Of the flags of the main process those that a worker gets; NODE_OPTIONS is in its environment.
 */
export function inheritedFlags(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((flag, i) => {
    if (WITH_VALUE.test(flag)) return [flag, execArgv[i + 1] ?? ""];
    return INHERITED.some((pattern) => pattern.test(flag)) ? [flag] : [];
  });
}

/**
 * What Node and OpenSSL themselves read. A node in somebody's program may have been given an
 * environment of its own for its config, which says nothing of these.
 */
const INHERITED_ENV = [
  "NODE_OPTIONS",
  "NODE_EXTRA_CA_CERTS",
  "NODE_USE_SYSTEM_CA",
  "NODE_TLS_REJECT_UNAUTHORIZED",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "OPENSSL_CONF",
];

export function inheritedEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = INHERITED_ENV.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return Object.fromEntries(entries);
}
