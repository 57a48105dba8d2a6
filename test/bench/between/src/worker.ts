// The broker, with every call that its router makes to an object counted, and as far away as is asked for.
//
// `GET /between` says how many calls there were, `POST /between?ms=30` puts that many milliseconds into each: half on the way there,
// half on the way back. What comes over a socket once that is open is not delayed: no request waits for it.
import broker, { Directory, UserSession } from '../../../../src/worker.ts'

export { Directory, UserSession }

let calls = 0
let roundTripMs = 0

const half = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, roundTripMs / 2))

function far<Stub extends object>(stub: Stub): Stub {
  return new Proxy(stub, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...parameters: unknown[]): Promise<unknown> => {
        calls += 1
        if (roundTripMs === 0) return await Reflect.apply(member, target, parameters)
        await half()
        const result: unknown = await Reflect.apply(member, target, parameters)
        await half()
        return result
      }
    },
  })
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

const known = new WeakMap<Env, Env>()

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/between') {
      if (request.method === 'POST') roundTripMs = Number(searchParams.get('ms'))
      return Response.json({ calls })
    }
    const apart = known.get(env) ?? { ...env, USER_SESSION: between(env.USER_SESSION), DIRECTORY: between(env.DIRECTORY) }
    known.set(env, apart)
    return await broker.fetch(request, apart, ctx)
  },
} satisfies ExportedHandler<Env>
