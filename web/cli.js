#!/usr/bin/env node
import { TritError } from './errors.js';
import { bench } from './cli/bench.js';
import { chat } from './cli/chat.js';
import { convert } from './cli/convert.js';
import { info } from './cli/info.js';
import { logits } from './cli/logits.js';
import { UsageError } from './cli/options.js';
import { printError } from './cli/output.js';
import { pack } from './cli/pack.js';
import { run } from './cli/run.js';
import { score } from './cli/score.js';
import { tokenize } from './cli/tokenize.js';
import { fileError } from './node-source.js';

const help = `usage: trit COMMAND [options]

  run       -m MODEL -p TEXT         go on where the text ends
  chat      -m MODEL                 talk; Ctrl-C stops an answer, Ctrl-D leaves
  pack      SOURCE -o OUT.trit       make a packed model of a safetensors folder or a GGUF file
  pack      --synthetic SHAPE -o OUT.trit   a full-size model of random weights
  convert   SOURCE --to CONTAINER -o OUT   write a model for other engines
  info      -m MODEL                 what a model is
  tokenize  -m MODEL -p TEXT         the ids of a text
  logits    -m MODEL --ids 1,2 --out FILE   float32, little-endian; --all: after each token
  score     -m MODEL -f FILE         bits per byte and perplexity of a text
  bench     -m MODEL | --shape SHAPE tokens per second

  -m MODEL            a packed model, a GGUF file, or a folder as Hugging Face has them:
                      config.json, tokenizer.json, model.safetensors or shards with their index
                      an address of a file; hf:OWNER/REPOSITORY[@REVISION][/FILE]; catalog:ID
  -p TEXT, -f FILE    the text, or the file that holds it; run also takes --ids 1,2,3
  -n N                at most N tokens of answer; -1, the default: until the context is full
  -c N                tokens of context
  -t N                threads
  --flavour NAME      relaxed or simd128
  --kv TYPE           f32, f16 or int8
  --kernels NAMES     v128, relaxed or relaxed16, and " head=" and another; default: the fastest
  --dense             compute what is multiplied by zero as well: slower, the same tokens
  --temp X --top-k N --top-p X --min-p X --repeat-penalty X --frequency-penalty X
  --presence-penalty X --repeat-last-n N --seed N --stop TEXT     how tokens are drawn
  --grammar TEXT, --grammar-file F   the answer follows a grammar in GBNF
  --json-schema TEXT, --json-schema-file F   the answer is JSON by a schema; {}: any JSON
  --system TEXT       chat: the system message
  --chat-template X   chat: bitnet-2b4t, llama3, falcon3 or Jinja instead of the model's own
  --special --bos     tokenize: read special tokens; put BOS first
  --hub URL           where hf: and catalog: lead; default: https://huggingface.co
  --i2s x86|arm|rows  the layout of I2_S in a GGUF file that reads like noise; default: x86
  --head int8|f16     pack: how the embedding is kept; --card FILE: a JSON object to carry along
  --to CONTAINER      convert: tq2_0 or i2_s, a GGUF file, or safetensors, a folder
  SHAPE               tiny, 0.7B, 3B, 2B4T, Llama3-8B, Falcon3-1B, Falcon3-3B, Falcon3-7B or Falcon3-10B
  --zeros X           share of zero weights, 1/3 without it; --gate-zeros X: of zeros behind the FFN's
                      gate, 0.5 ... 0.99, for shapes with squared ReLU
  --prefill N --decode N --repeat N   bench: lengths, and how often
  --no-display-prompt run: print the answer only
  --json              one line of JSON on standard output and nothing else
`;

/** @type {Record<string, (args: string[], signal: AbortSignal) => Promise<void>>} */
const commands = { run, chat, pack, convert, info, tokenize, logits, score, bench };

/** Exit codes: 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C. */
const exitOf = (/** @type {unknown} */ error) =>
    error instanceof UsageError
        ? 2
        : error instanceof TritError && error.code === 'ABORTED'
          ? 130
          : 1;

/** For what is under way to end by itself, of which an engine has 2 seconds. */
const INTERRUPT_MS = 4000;

/** An exit takes unfinished files away, but waits for a pipe that is opened and that nobody writes to; the signal does not. */
function endNow() {
    process.once('exit', () => process.kill(process.pid, 'SIGINT'));
    process.exit(130);
}

/** @param {string[]} args */
async function main([name, ...args]) {
    if (name === undefined || name === '--help' || name === '-h' || args.includes('--help')) {
        (name === undefined ? process.stderr : process.stdout).write(help);
        return name === undefined ? 2 : 0;
    }
    const interrupt = new AbortController();
    process.once('SIGINT', () => {
        interrupt.abort();
        // in a chat it may be an answer that is to end
        if (name !== 'chat') setTimeout(endNow, INTERRUPT_MS).unref();
    });
    // an end by exit takes unfinished files away, one by the signal alone would not
    process.once('SIGTERM', () => process.exit(143));
    process.once('SIGHUP', () => process.exit(129));
    try {
        if (!Object.hasOwn(commands, name)) throw new UsageError(`there is no command "${name}"`);
        await commands[name](args, interrupt.signal);
        return 0;
    } catch (error) {
        if (exitOf(error) !== 130) printError(error);
        return exitOf(error);
    }
}

process.stdout.on('error', (error) => {
    // a reader such as `head` has seen enough
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    printError(fileError('standard output', error));
    process.exit(1);
});
// nobody can be told, but the exit code stands
process.stderr.on('error', () => {});
process.exitCode = await main(process.argv.slice(2));
