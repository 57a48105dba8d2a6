// The little we use of oidc-provider, which ships without types.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  import type { JWK } from 'jose'

  export type Payload = Record<string, unknown>

  export interface Adapter {
    upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>
    find(id: string): Promise<Payload | undefined>
    findByUid(uid: string): Promise<Payload | undefined>
    findByUserCode(userCode: string): Promise<Payload | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }

  export interface Grant {
    addOIDCScope(scope: string): void
    save(): Promise<string>
  }

  export interface Context {
    readonly oidc: {
      readonly provider: Provider
      readonly client: { readonly clientId: string }
      readonly session: { readonly accountId: string }
      readonly params: Readonly<Record<string, string | undefined>>
      readonly result?: { readonly login?: unknown }
    }
    body: unknown
    type: string
    set(name: string, value: string): void
  }

  export interface Account {
    readonly accountId: string
    claims(): Readonly<Record<string, unknown>>
  }

  interface Prompt {
    readonly checks: { add(check: unknown): void }
  }

  export const interactionPolicy: {
    base(): Prompt[] & { get(name: string): Prompt; add(prompt: Prompt, at?: number): void }
    Check: new (reason: string, description: string, check: (ctx: Context) => boolean) => unknown
    Prompt: new (options: { name: string; requestable: boolean }) => Prompt
  }

  export interface Configuration {
    readonly adapter: (model: string) => Adapter
    readonly jwks: { readonly keys: readonly JWK[] }
    readonly [setting: string]: unknown
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration)
    readonly Grant: new (of: { accountId: string; clientId: string }) => Grant
    readonly Client: { readonly prototype: { redirectUriAllowed: (uri: string) => boolean } }
    on(event: string, listener: (ctx: unknown, error: Error) => void): this
    callback(): (req: IncomingMessage, res: ServerResponse) => Promise<void>
    interactionDetails(
      req: IncomingMessage,
      res: ServerResponse,
    ): Promise<{
      readonly uid: string
      readonly prompt: { readonly name: string }
      readonly params: Readonly<Record<string, string>>
    }>
    interactionFinished(
      req: IncomingMessage,
      res: ServerResponse,
      result: object,
      options: { mergeWithLastSubmission: boolean },
    ): Promise<void>
  }
}
