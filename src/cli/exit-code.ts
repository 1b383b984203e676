/** What `signalbox` exits with: a public contract, the same for every command. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  invalidConfig: 3,
  testsFailed: 4,
  notFound: 5,
  conflict: 6,
  unreachable: 7,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
