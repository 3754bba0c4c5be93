/** Work on many tenants side by side, and on each of them one thing after the other, in the order asked for. */
export class InTurn {
  /** The last step of each tenant's chain. */
  private readonly steps = new Map<string, Promise<unknown>>();

  /** Settles as the work does, which begins when all before it has settled. */
  do<Result>(tenantId: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.steps.get(tenantId) ?? Promise.resolve();
    const step = before.then(work, work);
    this.steps.set(tenantId, step);
    const tidy = (): void => {
      if (this.steps.get(tenantId) === step) this.steps.delete(tenantId);
    };
    step.then(tidy, tidy);
    return step;
  }
}
