/**
 * What page and worker say to each other: types, and a number that both know.
 *
 * The page sends `Request`s, each with an id of its own, and `Abort`s. The worker answers each
 * request with any number of `Event`s and then one `Ok` or one `Failure`. Requests are worked off
 * in order, but `diagnose` and what downloads need at once; an abort is read at once, too.
 *
 * @typedef {{id: number, op: Op, args: any[]}} Request
 * @typedef {{abort: number}} Abort the id of the request to stop
 * @typedef {{id: number, ok: any}} Ok
 * @typedef {{id: number, error: {code: string, message: string, needed?: number, cause?: {status: number}}}} Failure
 * @typedef {{id: number, event: any}} Event a piece of text, logits, or progress
 * @typedef {'start' | 'beginLoad' | 'side' | 'shard' | 'push' | 'finishLoad' | 'synthetic'
 *   | 'openDownload' | 'nextOfDownload' | 'endDownload'
 *   | 'openStored' | 'readStored' | 'resumeStored' | 'announce' | 'flushStored' | 'settleStored'
 *   | 'models' | 'removeModel' | 'resetStore'
 *   | 'tokenize' | 'detokenize' | 'tokenBytes' | 'countTokens' | 'template' | 'generate' | 'saveSession'
 *   | 'loadSession' | 'dropContext' | 'logits' | 'score' | 'measure' | 'diagnose' | 'planned' | 'sample'} Op
 *
 * @typedef {{role: 'system' | 'user' | 'assistant', content: string}} Message
 * @typedef {{text: string} | {ids: number[]} | {messages: Message[]} | {parts: string[]}} Prompt
 *   parts: special tokens are read in the first, third … and not in those between
 *
 * @typedef {object} TemplateJob all that the renderer of a chat template is told
 * @property {string} template
 * @property {string} bosToken
 * @property {string} eosToken
 * @property {Message[]} messages whose texts stand-ins take the place of
 *
 * @typedef {object} GenerateResult
 * @property {number[]} promptIds what the model was given, BOS included
 * @property {number[]} ids what it answered, without the stop token
 * @property {string} text without special tokens and without the stop text
 * @property {'stop' | 'length' | 'abort'} finish
 * @property {{promptTokens: number, cachedTokens: number, completionTokens: number}} usage
 * @property {{promptMs: number, decodeMs: number}} timings
 * @property {TokenLogprob[]} [logprobs] for each of `ids`, when they were asked for
 *
 * What the model itself makes of a token, before temperature, penalties, bias and the like.
 * @typedef {object} TokenLogprob
 * @property {number} id
 * @property {number} logprob natural logarithm of its probability
 * @property {{id: number, logprob: number}[]} top the likeliest tokens at this place, likeliest first
 *
 * @typedef {{contextLength?: number, kv?: string, dense?: boolean, template?: string}} Settings
 *
 * How random weights are drawn: the share of ternary weights that are 0, and of the gate's outputs
 * that squared ReLU makes 0 (0.5 ... 0.99; without it about a half).
 * @typedef {{zeros?: number, gateZeros?: number}} RandomWeights
 *
 * @typedef {object} ModelInfo
 * @property {number} nLayer
 * @property {number} dim
 * @property {number} ffnDim
 * @property {number} nHead
 * @property {number} nHeadKv
 * @property {number} headDim
 * @property {number} nVocab
 * @property {number} nCtx the longest context that the model was made for
 * @property {number} normEps
 * @property {number} ropeTheta
 * @property {string} ffn
 * @property {string} weights
 * @property {string} head
 * @property {boolean} tiedHead
 * @property {boolean} addBos
 * @property {boolean} spaceFirst whether the tokenizer puts a space before a text
 * @property {number} bosId -1 when there is none
 * @property {number[]} stopIds
 * @property {string} template '' when there is none, 'jinja' for a program of the model's own
 * @property {number} modelBytes memory of the weights
 * @property {number} sessionBytes memory of the context
 * @property {number} memoryBytes all memory of the engine
 * @property {number} contextLength
 * @property {string} kv
 * @property {boolean} dense
 * @property {string} kernels which kernels are used
 * @property {'simd128' | 'relaxed'} flavour
 * @property {number} threads
 * @property {string} [note] why it is slower than it could be
 * @property {string} [warning] what is doubtful about the weights
 * @property {boolean} [stored] whether the store has it, so that it loads without the network
 * @property {Record<string, any>} card where the model comes from
 *
 * What of a stored model is still missing: the bytes of the source from `begin` on, up to `end` (undefined: all that
 * follow).
 * @typedef {object} Missing
 * @property {'partial' | 'complete'} state
 * @property {boolean} imported the source is no packed file
 * @property {boolean} read the loader has all of it
 * @property {boolean} whole the store has
 * @property {boolean} atOnce an import that is stored when the model is there, not unit by unit
 * @property {number} begin
 * @property {number} [end]
 *
 * A model of the store, or what has come of one.
 * @typedef {object} StoredModel
 * @property {string} id
 * @property {'complete' | 'partial' | 'damaged' | 'newer'} state
 * @property {boolean} imported from GGUF or safetensors
 * @property {number} bytes of the whole, 0 while nobody knows
 * @property {number} used when it was loaded last, in milliseconds since 1970, 0 while nobody knows
 * @property {{source: string[], as: {head?: string, i2s?: string, sha256?: string}} | null} about where it came from, addresses
 *   or names of files, and how it was to be read
 *
 * @typedef {object} Score
 * @property {number} tokens
 * @property {number} bytes
 * @property {number} bitsPerByte
 * @property {number} perplexity
 */

/** The context of all calls that have none of their own. */
export const SHARED = 0;
