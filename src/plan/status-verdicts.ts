import { GRPC } from "../otlp/grpc-code.ts";

/**
 * What a target's status means for what was sent: never again, again, or at once to another target.
 */
const STATUS_VERDICTS = ["final", "retry", "elsewhere"] as const;
export type StatusVerdict = (typeof STATUS_VERDICTS)[number];

/** What a config says of a target's statuses in place of the protocol's own rules. */
export interface StatusVerdicts {
  /** By HTTP status; also of answers to gRPC calls that are not gRPC. */
  readonly http: ReadonlyMap<number, StatusVerdict>;
  /** By gRPC code. */
  readonly grpc: ReadonlyMap<number, StatusVerdict>;
}

/** A name of a gRPC code, or an HTTP status; undefined for anything else. */
export function readStatus(text: string): { readonly kind: "http" | "grpc"; readonly status: number } | undefined {
  if (/^[1-5]\d\d$/u.test(text)) return { kind: "http", status: Number(text) };
  const code = Object.entries(GRPC).find(([name]) => name === text)?.[1];
  return code === undefined ? undefined : { kind: "grpc", status: code };
}

/** Undefined when nothing is written, as nearly always. */
export function compileStatuses(written: Readonly<Record<string, StatusVerdict>>): StatusVerdicts | undefined {
  const http = new Map<number, StatusVerdict>();
  const grpc = new Map<number, StatusVerdict>();
  for (const [text, verdict] of Object.entries(written)) {
    const read = readStatus(text);
    if (read !== undefined) (read.kind === "http" ? http : grpc).set(read.status, verdict);
  }
  return http.size + grpc.size === 0 ? undefined : { http, grpc };
}
