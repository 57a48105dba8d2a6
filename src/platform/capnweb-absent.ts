// Stands in for `capnweb` in the bundle: agents/websockets takes it along for a transport that keeps an object awake, which no page of ours asks for.

/** What `?__agents_transport=capnweb` would begin; the socket closes instead. */
export function newWebSocketRpcSession(): never {
  throw new Error('the live feed speaks JSON, not capnweb')
}
