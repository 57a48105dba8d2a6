// What the broker is compared with: the least a Worker can do for a request, and the least with one object in between.

/** (a) Hands the request on as it is. */
export function passThrough(downstreamUrl: string): string {
  return `const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
export default { fetch: (request) => fetch(DOWNSTREAM, request) }
`
}

/** (b) Hands it to a Durable Object, which hands it on as it is. */
export function objectHop(downstreamUrl: string): string {
  return `import { DurableObject } from 'cloudflare:workers'
const DOWNSTREAM = ${JSON.stringify(downstreamUrl)}
export class Hop extends DurableObject {
  fetch(request) {
    return fetch(DOWNSTREAM, request)
  }
}
export default { fetch: (request, env) => env.HOP.getByName('one').fetch(request) }
`
}
