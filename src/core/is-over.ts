/** Asked anew: before something was waited for, it may not have been so. */
export function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
