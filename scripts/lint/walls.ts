// Which folder of src may import which: every import is looked at, those of types too. A list may only name what stands before it,
// so that no circle of folders can be written down.

/** Folders, and single files where a folder is only a frame. What stands below may import what stands above, where it says so. */
const WALLS = `
platform:
evidence: platform
caller.ts: platform
clients: platform
settings: platform caller.ts clients
issuer: platform caller.ts evidence
oauth-client: platform settings
export: platform evidence settings

session/contract: platform evidence caller.ts
session/store: platform evidence caller.ts settings issuer session/contract
session/streams: platform caller.ts session/contract session/store
session/tables.ts: platform session/store session/streams
session/session-context.ts: settings issuer session/contract session/store session/streams session/tables.ts
session/revocation.ts: platform session/contract session/store session/session-context.ts
session/access: platform caller.ts settings session/contract session/store session/streams session/session-context.ts session/revocation.ts
session/upkeep: platform session/contract session/store session/session-context.ts session/revocation.ts session/access
session/admin: caller.ts session/contract session/store session/streams session/session-context.ts session/revocation.ts session/access
session/user-session.ts: platform caller.ts settings issuer session/contract session/store session/streams session/tables.ts session/session-context.ts session/revocation.ts session/access session/upkeep session/admin
directory: platform evidence export caller.ts settings clients session/contract session/store session/admin

oauth: platform caller.ts settings clients issuer oauth-client session/contract session/store session/access directory
identity: platform caller.ts settings oauth-client session/contract
linking: platform settings issuer oauth-client session/contract
signals: platform caller.ts settings oauth-client session/contract directory

mcp/message: platform
mcp/sse: platform session/contract mcp/message
mcp/downstream: platform settings session/contract mcp/message mcp/sse
mcp/tools: platform caller.ts settings mcp/message mcp/sse mcp/downstream
mcp/bridge: platform settings mcp/message mcp/sse
mcp/telemetry: platform mcp/message mcp/bridge
mcp/recording: platform session/contract mcp/sse mcp/downstream mcp/telemetry
mcp/dispatch: caller.ts settings session/contract mcp/message mcp/telemetry
mcp/router: platform caller.ts settings session/contract session/streams mcp/message mcp/sse mcp/downstream mcp/tools mcp/dispatch mcp/bridge mcp/telemetry mcp/recording
mcp/object: platform caller.ts settings session/contract session/store session/streams session/session-context.ts session/revocation.ts session/access session/admin mcp/message mcp/sse mcp/downstream mcp/tools mcp/dispatch mcp/bridge mcp/telemetry mcp/recording

assets:
pages:
services.ts: platform evidence clients settings issuer oauth identity signals session/contract
routes: platform evidence caller.ts settings clients issuer oauth-client session/contract session/access session/admin directory oauth identity linking signals mcp/message mcp/sse mcp/downstream mcp/tools mcp/bridge mcp/dispatch mcp/router pages services.ts mcp/recording mcp/telemetry
app.ts: platform settings oauth pages services.ts routes
worker.ts: platform evidence settings session/contract session/session-context.ts session/user-session.ts directory linking mcp/object services.ts routes app.ts
`

/** Packages that only some may know, by how their names begin. */
const ONLY_FOR = `
hono: routes pages app.ts
agents: session/store session/streams session/tables.ts session/user-session.ts directory
cloudflare:workers: session/user-session.ts directory worker.ts
`

export const MAY_IMPORT = tableOf(WALLS)
const ONLY_SOME = tableOf(ONLY_FOR)

function tableOf(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [, name = '', list = ''] = /^(\S+): ?(.*)$/.exec(line) ?? []
      return [name, list.split(' ').filter((word) => word !== '')] as const
    }),
  )
}

/** The place a file belongs to: `mcp/router`, `routes` for what lies in `routes/admin` too, `session/revocation.ts`. */
export function placeOf(path: string): string {
  const parts = path.split('/')
  const [first = '', second] = parts
  return second !== undefined && (first === 'mcp' || first === 'session') ? `${first}/${second}` : first
}

/** Why a file may not import that, or undefined. Paths are below src; a package is named as it is imported. */
export function refusedImport(file: string, specifier: string): string | undefined {
  const place = placeOf(file)
  const allowed = MAY_IMPORT.get(place)
  if (!allowed) return `${place} has no place in scripts/lint/walls.ts`
  if (!specifier.startsWith('.')) {
    const known = [...ONLY_SOME].find(([name]) => specifier === name || specifier.startsWith(`${name}/`))
    return known && !known[1].includes(place) ? `${place} knows nothing of ${known[0]}` : undefined
  }
  const target = placeOf(resolved(file, specifier))
  return target === place || allowed.includes(target) ? undefined : `${place} may not import ${target} (scripts/lint/walls.ts)`
}

function resolved(file: string, specifier: string): string {
  const path = file.split('/').slice(0, -1)
  for (const step of specifier.split('/')) {
    if (step === '..') path.pop()
    else if (step !== '.') path.push(step)
  }
  return path.join('/')
}
