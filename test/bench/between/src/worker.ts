// The broker, with every call that its router makes to an object counted, and as far away as is asked for.
//
// `GET /between` says how many calls there were, `POST /between?ms=30` puts that many milliseconds into each: half on the way there,
// half on the way back. What comes over a socket once that is open is not delayed: no request waits for it. With `sockets=mute` nothing
// passes over the sockets of leases, in either direction; with `sockets=cut` the object's end is closed, and the router's is not.
// `die=SUB` ends a person's object and nothing else.
import broker, { Directory, UserSession as Session } from '../../../../src/worker.ts'

export { Directory }

export class UserSession extends Session {
  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === '/die') this.ctx.abort('the machine of this object is gone')
    return await super.fetch(request)
  }
}

let calls = 0
let roundTripMs = 0
let sockets = 'whole'

const half = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, roundTripMs / 2))

function far<Stub extends object>(stub: Stub): Stub {
  return new Proxy(stub, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...parameters: unknown[]): Promise<unknown> => {
        calls += 1
        if (roundTripMs > 0) await half()
        const result: unknown = await Reflect.apply(member, target, parameters)
        if (roundTripMs > 0) await half()
        const isLease = parameters[0] === 'https://session/lease' && sockets !== 'whole'
        return isLease && result instanceof Response ? severed(result) : result
      }
    },
  })
}

/** The router's end and the object's, with nothing between them that carries a word. */
function severed({ webSocket, headers, status }: Response): Response {
  if (!webSocket) return new Response(null, { status, headers })
  webSocket.accept()
  if (sockets === 'cut') webSocket.close()
  const { 0: routers, 1: nobodys } = new WebSocketPair()
  nobodys.accept()
  return new Response(null, { status, headers, webSocket: routers })
}

function between<Namespace extends Env['USER_SESSION'] | Env['DIRECTORY']>(namespace: Namespace): Namespace {
  return new Proxy(namespace, {
    get: (target, name) => {
      if (name === 'getByName') return (id: string) => far(target.getByName(id))
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

async function change(asked: URLSearchParams, env: Env): Promise<void> {
  roundTripMs = Number(asked.get('ms'))
  sockets = asked.get('sockets') ?? 'whole'
  const dying = asked.get('die')
  // Its last act is never answered.
  if (dying !== null)
    await env.USER_SESSION.getByName(dying)
      .fetch('https://session/die')
      .catch(() => undefined)
}

const known = new WeakMap<Env, Env>()

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/between') {
      if (request.method === 'POST') await change(searchParams, env)
      return Response.json({ calls })
    }
    const apart = known.get(env) ?? { ...env, USER_SESSION: between(env.USER_SESSION), DIRECTORY: between(env.DIRECTORY) }
    known.set(env, apart)
    return await broker.fetch(request, apart, ctx)
  },
} satisfies ExportedHandler<Env>
