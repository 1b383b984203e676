/**
 * Tells the RSS of the process in bytes. The system tells it in a file, which cannot be opened when
 * there is no file descriptor left, of all times: then it is what it was when it was last told.
 */
export function createRssReader(read = (): number => process.memoryUsage.rss()): () => number {
  let bytes = 0;
  return () => {
    try {
      bytes = read();
    } catch {
      // told again when it can be read
    }
    return bytes;
  };
}
