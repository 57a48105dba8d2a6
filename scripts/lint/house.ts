// Rules of the house for oxlint: which folder imports which, that one file alone reaches the network, and that tests share no variable.
import { refusedImport } from './walls.ts'

interface Context {
  readonly filename: string
  readonly report: (problem: { readonly node: object; readonly message: string }) => void
}

interface SourceNode {
  readonly source?: { readonly value?: unknown } | null
}

interface MemberNode {
  readonly object: { readonly name?: string }
  readonly property: { readonly name?: string; readonly value?: unknown }
}

interface DeclaratorNode {
  readonly id: { readonly properties?: readonly { readonly key?: { readonly name?: string } }[] }
  readonly init?: { readonly name?: string } | null
}

const walls = {
  create: (context: Context) => {
    const below = context.filename.split('/src/').at(-1) ?? ''
    const look = (node: SourceNode): void => {
      const specifier = node.source?.value
      const refused = typeof specifier === 'string' ? refusedImport(below, specifier) : undefined
      if (refused !== undefined) context.report({ node, message: refused })
    }
    return {
      ImportDeclaration: look,
      ExportNamedDeclaration: look,
      ExportAllDeclaration: look,
      ImportExpression: look,
      TSImportType: look,
    }
  },
}

const GLOBALS = ['globalThis', 'self', 'global', 'window']
const ONE_FETCH = 'only platform/outbound.ts calls fetch'

const oneFetch = {
  create: (context: Context) => ({
    MemberExpression: (node: MemberNode) => {
      const isFetch = (node.property.name ?? node.property.value) === 'fetch'
      if (isFetch && GLOBALS.includes(node.object.name ?? '')) context.report({ node, message: ONE_FETCH })
    },
    VariableDeclarator: (node: DeclaratorNode) => {
      const takesFetch = node.id.properties?.some(({ key }) => key?.name === 'fetch') ?? false
      if (takesFetch && GLOBALS.includes(node.init?.name ?? '')) context.report({ node, message: ONE_FETCH })
    },
  }),
}

interface SyntaxNode {
  readonly type: string
  readonly kind?: string
  readonly name?: string
  readonly callee?: SyntaxNode
  readonly object?: SyntaxNode
  readonly parent?: SyntaxNode | null
}

const SHARED_LET = 'tests share no let: see fixture and perTest in test/world/fixture.ts'

const sharedLet = {
  create: (context: Context) => ({
    VariableDeclaration: (node: SyntaxNode) => {
      const counts = node.parent?.type.startsWith('For') ?? false
      if (node.kind === 'let' && !counts && isShared(node)) context.report({ node, message: SHARED_LET })
    },
  }),
}

/** It stands in no function but those that describe tests. */
function isShared({ parent }: SyntaxNode): boolean {
  if (!parent || parent.type === 'Program') return true
  if (/Function/.test(parent.type) && calledBy(parent.parent ?? undefined) !== 'describe') return false
  return isShared(parent)
}

/** `describe` in `describe.for(…)(…)`. */
function calledBy(node: SyntaxNode | undefined): string | undefined {
  return node && (node.name ?? calledBy(node.callee ?? node.object))
}

export default { meta: { name: 'house' }, rules: { walls, 'one-fetch': oneFetch, 'shared-let': sharedLet } }
