// How long to wait before something that failed is tried again: twice as long after each failure, up to a bound.

export interface Backoff {
  readonly first: number
  readonly longest: number
}

/** In whatever unit the bounds are in; `before`: how often it has failed before this time. */
export function backoff({ first, longest }: Backoff, before: number): number {
  return Math.min(first * 2 ** before, longest)
}
