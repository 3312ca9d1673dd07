import { createInterface } from 'node:readline';
import { TritError } from '../errors.js';
import { generateOptions, modelOptions, parse, samplingOptions } from './options.js';
import { printError, printJson, printText } from './output.js';
import { withModel } from './session.js';

/**
 * @param {string[]} args
 * @param {AbortSignal} signal Ctrl-C while the model loads
 */
export async function chat(args, signal) {
    const { values } = parse(args, [
        ...modelOptions,
        ...samplingOptions,
        'system',
        'chat-template',
    ]);
    const options = await generateOptions(values);
    await withModel(values, signal, async (model) => {
        if (model.info.template === '')
            throw new TritError('UNSUPPORTED', 'the model has no chat template: use trit run');
        await converse(model.chat({ system: values.system }), options, values.json === true);
    });
}

/**
 * @param {import('../chat.js').Chat} talk
 * @param {import('../params.js').GenerateOptions} options
 * @param {boolean} json
 */
async function converse(talk, options, json) {
    const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
    const lines = createInterface({ input: process.stdin, output: process.stdout, terminal });
    /** @type {AbortController | null} */
    let answering = null;
    let interrupted = false;
    const interrupt = () => {
        if (answering) return answering.abort();
        interrupted = true;
        lines.close();
    };
    // a terminal in raw mode sends Ctrl-C as a key, everything else as a signal
    lines.on('SIGINT', interrupt);
    process.on('SIGINT', interrupt);
    let closed = false;
    lines.on('close', () => (closed = true));

    lines.setPrompt(terminal ? '> ' : '');
    lines.prompt();
    for await (const line of lines) {
        if (line.trim() !== '') {
            answering = new AbortController();
            try {
                await answer(talk, line, { ...options, signal: answering.signal }, json);
            } catch (error) {
                // a turn that does not fit is no reason for a person to lose the conversation
                const { code } = TritError.from(error, 'FAILED');
                if (!terminal || code === 'ENGINE_CRASHED') throw error;
                printError(error);
            }
            answering = null;
        }
        if (!closed) lines.prompt();
    }
    process.off('SIGINT', interrupt);
    if (terminal) process.stdout.write('\n');
    if (interrupted) throw new TritError('ABORTED', 'the chat was left');
}

/**
 * @param {import('../chat.js').Chat} talk
 * @param {string} line
 * @param {import('../params.js').GenerateOptions} options
 * @param {boolean} json
 */
async function answer(talk, line, options, json) {
    const pieces = talk.send(line, options);
    if (!json) for await (const piece of pieces) printText(piece);
    const { ids, text, finish } = await pieces.result;
    if (json) printJson({ ids, text, finish });
    else process.stdout.write('\n');
}
