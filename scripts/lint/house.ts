// Rules of the house for oxlint: which folder imports which, and that one file alone reaches the network.
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

export default { meta: { name: 'house' }, rules: { walls, 'one-fetch': oneFetch } }
