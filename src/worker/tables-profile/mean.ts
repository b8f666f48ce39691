// The mean of many doubles without the drift of a plain sum (Neumaier, 1974: Kahan's summation, also for large terms).

export class MeanOfNumbers {
  #count = 0;
  #sum = 0;
  #lost = 0;

  add(value: number): void {
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
    this.#count++;
  }

  /** The mean, or undefined of nothing or where the sum left the range of a double. */
  value(): number | undefined {
    const mean = (this.#sum + this.#lost) / this.#count;
    return Number.isFinite(mean) ? mean : undefined;
  }
}
