/**
 * The part of WebAssembly's JavaScript interface (https://www.w3.org/TR/wasm-js-api-2/) that is
 * used here: TypeScript has it in its types of browsers alone.
 */
declare namespace WebAssembly {
  function validate(bytes: Uint8Array): boolean;
  class Memory {
    constructor(pages: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
  }
  // oxlint-disable-next-line typescript/no-extraneous-class -- what is in it is for nobody to see
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: { readonly env: { readonly memory: Memory } });
    readonly exports: object;
  }
}
