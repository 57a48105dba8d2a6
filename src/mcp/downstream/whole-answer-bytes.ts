// Answers that are there whole, and their bytes: whoever looks at one does not have to read it as a stream, which costs many times as much.
//
// Noted only while somebody looks: an object of the runtime that is the key of a map is not freed with the young ones, and everything it
// holds waits for a full collection.
const known = new WeakMap<Response, Uint8Array>()
let looking = 0

/** The bytes of answers that are made meanwhile are noted. */
export async function notingBytes<Result>(work: () => Promise<Result>): Promise<Result> {
  looking += 1
  try {
    return await work()
  } finally {
    looking -= 1
  }
}

export function wholeResponse(bytes: Uint8Array, init: ResponseInit): Response {
  return withBytes(bytes, new Response(bytes, init))
}

/** An answer that has them somewhere else than in its body. */
export function withBytes(bytes: Uint8Array, answer: Response): Response {
  if (looking > 0) known.set(answer, bytes)
  return answer
}

/** Undefined of an answer that is still coming, and of one that was made elsewhere. */
export function bytesIn(answer: Response): Uint8Array | undefined {
  return known.get(answer)
}
