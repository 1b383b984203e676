import type { Output } from "../command.ts";

const CSI = "\u001B[";
/** Another screen, so that what was there before comes back; no cursor. */
const OPEN = `${CSI}?1049h${CSI}?25l${CSI}2J`;
const CLOSE = `${CSI}?25h${CSI}?1049l`;
/** Between these a terminal that knows them shows nothing half drawn. */
const BEGIN = `${CSI}?2026h${CSI}H`;
const END = `${CSI}J${CSI}?2026l`;
const ERASE_REST = `${CSI}K`;

/** A whole terminal that is drawn over and over in place. Closing it gives the terminal back as it was. */
export class Screen implements Disposable {
  readonly #output: Output;
  readonly #giveBack = (): void => this.#write(CLOSE);
  #open = true;
  #last = "";

  constructor(output: Output) {
    this.#output = output;
    process.once("exit", this.#giveBack); // also when it ends by a fault, or by a second Ctrl-C
    this.#write(OPEN);
  }

  /** Lines must be narrower than the terminal, and not more than it has. */
  draw(lines: readonly string[]): void {
    const frame = lines.map((line) => line + ERASE_REST).join("\r\n");
    if (!this.#open || frame === this.#last) return;
    this.#last = frame;
    this.#write(BEGIN + frame + END);
  }

  /** A second call does nothing. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#giveBack();
    this.#open = false;
    process.off("exit", this.#giveBack);
  }

  #write(text: string): void {
    if (this.#open) this.#output.write(text);
  }
}
