/** Thrown by the `default` of an exhaustive switch: the compiler proves that it never runs. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  constructor(value: never) {
    super(`unreachable: ${String(value)}`);
  }
}
