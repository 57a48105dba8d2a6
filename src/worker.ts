// The front door: exports fetch and the Durable Object classes, and hands both their wiring.
import { app, misconfigured } from './app.ts'
import { Directory as DirectoryObject } from './directory/directory.ts'
import type { EvidenceSigner } from './evidence/statements.ts'
import { OAuthLinkClient } from './linking/oauth-link-client.ts'
import { LegacyCarrier } from './mcp/object/engine.ts'
import { measures, TOLD_EVERY_MS } from './platform/measures.ts'
import { routeOf } from './routes/metrics.ts'
import { noteWoken, operate } from './routes/operations.ts'
import { foundation, services } from './services.ts'
import type { StreamSender } from './session/contract/signal-stream.ts'
import type { SessionServices } from './session/session-context.ts'
import { UserSession as UserSessionObject } from './session/user-session.ts'
import { SettingsError } from './settings/settings.ts'

export class UserSession extends UserSessionObject {
  protected override async services(): Promise<SessionServices> {
    noteWoken(this.lifecycle.name)
    const { settings, keys, providers } = await foundation(this.env)
    const directory = this.env.DIRECTORY
    const told = (): void => tellMeasures(this.env, (work) => this.ctx.waitUntil(work), SOONER_THAN_IT_SLEEPS_MS)
    told()
    return {
      settings,
      keys,
      refresher: providers,
      linkClient: new OAuthLinkClient(() => Math.floor(Date.now() / 1000)),
      report: (report) => {
        told()
        return directory.getByName('directory').record(report)
      },
      takenBack: (opening) => directory.getByName('directory').takenBack(opening),
      provisioned: (asked) => directory.getByName('directory').provisioned(asked),
      tellLoad: (report) => {
        told()
        return directory.getByName('directory').load(report)
      },
      carrier: (parts, waitUntil) => new LegacyCarrier(parts, waitUntil),
    }
  }
}

export class Directory extends DirectoryObject {
  protected override async senders(): Promise<ReadonlyMap<string, StreamSender>> {
    return (await foundation(this.env)).senders
  }

  protected override async signer(): Promise<EvidenceSigner> {
    return (await foundation(this.env)).evidenceSigner
  }
}

/** For whoever runs the process, self-hosted: a socket of its own leads here, and nothing from outside does. */
export const Operations = {
  async fetch(request, env) {
    return await operate(request, env)
  },
} satisfies ExportedHandler<Env>

/** An object falls asleep ten seconds after the last thing that happened. */
const SOONER_THAN_IT_SLEEPS_MS = 2_000

/** What this isolate has counted goes to the Directory, once in a while, whoever asks. */
function tellMeasures(env: Env, waitUntil: (work: Promise<unknown>) => void, afterMs: number): void {
  measures.report(waitUntil, (report) => env.DIRECTORY.getByName('directory').measured(report), afterMs)
}

const apps = new WeakMap<object, ReturnType<typeof app>>()

export default {
  async fetch(request, env, ctx) {
    try {
      let known = apps.get(env)
      if (!known) {
        known = app(await services(env))
        apps.set(env, known)
      }
      const answer = await known.fetch(request, env, ctx)
      measures.count('httpRequests', routeOf(request.url), String(answer.status))
      tellMeasures(env, (work) => ctx.waitUntil(work), TOLD_EVERY_MS)
      return answer
    } catch (error) {
      if (error instanceof SettingsError) return await misconfigured(request, error, env.PAGE_ASSETS)
      throw error
    }
  },
} satisfies ExportedHandler<Env>
