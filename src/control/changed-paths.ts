import { Secret } from "../core/secret.ts";

/**
 * Where two values of a config differ, as people write paths: `node.listen.otlp_grpc.address`.
 * Secrets are compared, and never shown. Sorted as they come.
 */
export function changedPaths(before: unknown, after: unknown, path: string): string[] {
  if (before instanceof Secret && after instanceof Secret) return before.reveal() === after.reveal() ? [] : [path];
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    return Object.is(before, after) ? [] : [path];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const next = Array.isArray(before) ? `${path}[${key}]` : `${path}.${key}`;
    return changedPaths(Reflect.get(before, key), Reflect.get(after, key), next);
  });
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof Secret);
}
