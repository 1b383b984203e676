/** `Sun, 06 Nov 1994 08:49:37 GMT` for Clock.wallMs(): RFC 9110, 5.6.7. */
export function httpDate(wallMs: number): string {
  // oxlint-disable-next-line no-restricted-globals -- formats a given time; does not ask for one
  return new Date(wallMs).toUTCString();
}
