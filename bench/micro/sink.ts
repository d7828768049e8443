/** Takes results, so that nothing whose result is used by nobody can be left out by the compiler. */
export class Sink {
  #sum = 0;

  take(value: number): void {
    this.#sum = (this.#sum + value) % 0x1_0000;
  }

  get sum(): number {
    return this.#sum;
  }
}
