/**
 * Whether the check that nobody wrote, an empty export, and data contradict one another: some
 * targets refuse the one and take the other. Data is right. A check that fails without an answer is
 * no contradiction: then nobody is there.
 */
export class Contradiction {
  #lastCall: "took" | "failed" | undefined;
  /** The last check was refused, and then data was taken. */
  #refused = false;
  #tookSince = false;

  /** A call has ended: the target took it, or failed. */
  called(took: boolean): void {
    this.#lastCall = took ? "took" : "failed";
    if (took && this.#refused) this.#tookSince = true;
  }

  /**
   * A check has ended. `refused`: it was answered, and the answer was no. `ignore`: it says nothing
   * against a target whose last call was taken. `drop`: for the second time it was refused while
   * data was taken in between.
   */
  checked(refused: boolean, isReady: boolean): "counts" | "ignore" | "drop" {
    if (!refused) {
      this.#refused = this.#tookSince = false;
      return "counts";
    }
    if (this.#refused && this.#tookSince) return "drop";
    this.#refused = true;
    this.#tookSince = false;
    return isReady && this.#lastCall === "took" ? "ignore" : "counts";
  }
}
