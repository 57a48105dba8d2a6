// Answers that are there whole, and their bytes: whoever looks at one does not have to read it as a stream, which costs many times as much.
const known = new WeakMap<Response, Uint8Array>()

export function wholeResponse(bytes: Uint8Array, init: ResponseInit): Response {
  return withBytes(bytes, new Response(bytes, init))
}

/** An answer that has them somewhere else than in its body. */
export function withBytes(bytes: Uint8Array, answer: Response): Response {
  known.set(answer, bytes)
  return answer
}

/** Undefined of an answer that is still coming, and of one that was made elsewhere. */
export function bytesIn(answer: Response): Uint8Array | undefined {
  return known.get(answer)
}
