// A long answer that is no stream of events, on its way through the object: a revocation cuts it off.

/** `flights` holds it for as long as it is on its way, with the grant it belongs to. */
export function heldBody(
  body: ReadableStream<Uint8Array>,
  { abort, grantId }: { readonly abort: AbortController; readonly grantId: string },
  flights: Map<AbortController, string>,
  waitUntil: (work: Promise<unknown>) => void,
): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream()
  flights.set(abort, grantId)
  // Whether the downstream, the client or a revocation ended it: nobody is left to be told.
  const passed = body.pipeTo(writable, { signal: abort.signal }).catch(() => undefined)
  waitUntil(passed.then(() => flights.delete(abort)))
  return readable
}
