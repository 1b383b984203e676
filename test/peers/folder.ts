import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of one test, gone with it. */
export class TestFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "signalbox-peer-"));

  constructor() {
    chmodSync(this.path, 0o755); // daemons that root starts work as somebody else
  }

  /** Writes a file and returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const file = join(this.path, name);
    writeFileSync(file, content);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
