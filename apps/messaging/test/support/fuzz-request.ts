/** A request, put together only when it is sent: so that each part can still be bent. */
export interface FuzzRequest {
  readonly operation: string;
  /** What its operation says that it may be answered with. */
  readonly documented: readonly number[];
  /** Whether the operation alone decides on the answer, not the router or the server before it. */
  readonly routed: boolean;
  readonly method: string;
  readonly template: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly json: unknown;
  /** Bytes instead of `json`. */
  readonly raw: Buffer | undefined;
}
