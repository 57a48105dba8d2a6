// JSON-RPC responses in what a downstream sends, and which request each of them answers.

/** Undefined for what is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isResponse(message: unknown): message is { readonly id: unknown } {
  return typeof message === 'object' && message !== null && 'id' in message && ('result' in message || 'error' in message)
}

/** Ids are compared by value and type: `1` and `1.0` are one id, `1` and `"1"` are two. */
export function idKey(id: unknown): string {
  return `${typeof id} ${String(id)}`
}
