import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PluginConfig extends Readonly<Record<string, unknown>> {
  readonly node: Readonly<Record<string, unknown>>;
}

/** A folder with a plugin of this text, in which `turn` says the how many-th process loads it. */
export class TurnPlugin implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "signalbox-turns-"));
  readonly #file = join(this.#folder, "own.mjs");

  constructor(text: string) {
    writeFileSync(
      this.#file,
      `import { existsSync, writeFileSync } from "node:fs";
const place = (n) => new URL("turn" + n, import.meta.url);
let turn = 1;
for (;; turn++) {
  try {
    writeFileSync(place(turn), "", { flag: "wx" });
    break;
  } catch {}
}
${text}
export default ({ registerStrategy }) => {
  registerStrategy("own", () => ({ pick: () => 0, charge() {}, changed() {} }));
};
`,
    );
  }

  get config(): PluginConfig {
    const strategy = { type: "plugin", name: "own" };
    return { node: { plugins: [this.#file] }, default_pool: { targets: ["a"], strategy } };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
