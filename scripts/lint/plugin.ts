// Two rules of our own for oxlint: what comes from outside is read with a bound, and no expression takes quadratic time over it.
import { isSuperlinear } from './ambiguity.ts'
import { UnknownSyntax } from './pattern.ts'
import { readsWithoutBound, STREAMED, type CallNode, type ForOfNode } from './reading.ts'

interface Context {
  readonly filename: string
  readonly report: (problem: { readonly node: object; readonly message: string }) => void
}

interface LiteralNode {
  readonly regex?: { readonly pattern: string; readonly flags: string } | null
}

interface CalleeNode {
  readonly callee: { readonly type: string; readonly name?: string }
}

const UNBOUNDED = 'reads a body without a bound: readBounded of platform/bounded-body.ts has one in bytes and in time'

const boundedBody = {
  create: (context: Context) => {
    const streams = Object.keys(STREAMED).some((file) => context.filename.endsWith(`/${file}`))
    return {
      CallExpression: (node: CallNode) => {
        if (readsWithoutBound(node, streams)) context.report({ node, message: UNBOUNDED })
      },
      ForOfStatement: (node: ForOfNode) => {
        const { right } = node
        const isBody = (right.property?.name ?? right.name) === 'body'
        if (node.await && isBody) context.report({ node, message: UNBOUNDED })
      },
    }
  },
}

const linearExpression = {
  create: (context: Context) => ({
    Literal: (node: LiteralNode) => {
      const problem = node.regex && problemOf(node.regex)
      if (problem) context.report({ node, message: problem })
    },
    NewExpression: (node: CalleeNode) => refuseMade(context, node),
    CallExpression: (node: CalleeNode) => refuseMade(context, node),
  }),
}

function problemOf({ pattern, flags }: { readonly pattern: string; readonly flags: string }): string | undefined {
  try {
    return isSuperlinear(pattern, flags)
      ? 'can take time that grows faster than the text: two repetitions share characters, or one starts over at each of them'
      : undefined
  } catch (error) {
    if (error instanceof UnknownSyntax) return `can not be judged (${error.message}): write it without`
    throw error
  }
}

function refuseMade(context: Context, node: CalleeNode): void {
  if (node.callee.name === 'RegExp') context.report({ node, message: 'an expression that is made at run time can not be judged' })
}

export default {
  meta: { name: 'bounds' },
  rules: { 'bounded-body': boundedBody, 'linear-expression': linearExpression },
}
