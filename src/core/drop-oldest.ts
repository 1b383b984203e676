/** Whether there were more: those that were put first into it are not there any more. */
export function dropOldest(of: Map<string, unknown>, most: number): boolean {
  if (of.size <= most) return false;
  for (const key of of.keys()) {
    of.delete(key);
    if (of.size <= most) break;
  }
  return true;
}
