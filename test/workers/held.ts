// Answers of the outside that a test holds back until it has done something meanwhile: asked for by name, in Node and inside workerd.
const HELD = 'https://held.example'

/** Where the test asks whether somebody waits, and lets them go on. */
export const isHeld = ({ url }: { readonly url: string }): boolean => url.startsWith(`${HELD}/`)

interface Gate {
  readonly arrived: PromiseWithResolvers<void>
  readonly released: PromiseWithResolvers<void>
}

const gates = new Map<string, Gate>()

function gate(name: string): Gate {
  const known = gates.get(name) ?? { arrived: Promise.withResolvers<void>(), released: Promise.withResolvers<void>() }
  gates.set(name, known)
  return known
}

/** In Node: waits for the test where a text is `held NAME REST`, and says what is left of it. */
export async function afterHold(text: string): Promise<string> {
  const [, name, rest] = /^held (\S+) (.*)$/s.exec(text) ?? []
  if (name === undefined || rest === undefined) return text
  const { arrived, released } = gate(name)
  arrived.resolve()
  await released.promise
  return rest
}

/** In Node: something has happened that a test waits for. */
export const reached = (name: string): void => gate(name).arrived.resolve()

/** In Node: the other end of the two below. */
export async function control({ url }: { readonly url: string }): Promise<Response> {
  const [, what, name = ''] = new URL(url).pathname.split('/')
  if (what === 'release') gate(name).released.resolve()
  else await gate(name).arrived.promise
  return new Response(null, { status: 204 })
}

/** In a test: resolves when the answer is being held. */
export const arrived = async (name: string): Promise<void> => void (await fetch(`${HELD}/arrived/${name}`))
export const release = async (name: string): Promise<void> => void (await fetch(`${HELD}/release/${name}`))
