// The broker with one door more: `POST /mortal/{sub}` ends a person's object and nothing else, as a fault of its machine would.
import broker, { Directory, UserSession as Session } from '../../../../src/worker.ts'

export { Directory }

export class UserSession extends Session {
  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === '/die') this.ctx.abort('the machine of this object is gone')
    return await super.fetch(request)
  }
}

export default {
  async fetch(request, env, ctx) {
    const [, sub] = /^\/mortal\/([\w-]+)$/.exec(new URL(request.url).pathname) ?? []
    if (sub === undefined) return await broker.fetch(request, env, ctx)
    // Its last act is never answered.
    await env.USER_SESSION.getByName(sub)
      .fetch('https://session/die')
      .catch(() => undefined)
    return new Response(null, { status: 204 })
  },
} satisfies ExportedHandler<Env>
