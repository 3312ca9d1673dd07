import { throwIfAborted } from '../errors.js';
import {
    generateOptions,
    idList,
    inputText,
    modelOptions,
    parse,
    samplingOptions,
    UsageError,
} from './options.js';
import { printJson, printText } from './output.js';
import { withModel } from './session.js';

/**
 * @param {string[]} args
 * @param {AbortSignal} signal
 */
export async function run(args, signal) {
    const names = [
        ...modelOptions,
        ...samplingOptions,
        'prompt',
        'file',
        'ids',
        'no-display-prompt',
    ];
    const { values } = parse(args, names);
    const options = { ...(await generateOptions(values)), signal };
    if (values.ids !== undefined && (values.prompt ?? values.file) !== undefined)
        throw new UsageError('give either --ids or a text');
    const prompt = values.ids === undefined ? await inputText(values) : idList(values.ids);
    await withModel(values, signal, async (model) => {
        const answer = model.generate(prompt, options);
        if (values.json) {
            const { promptIds, ids, text, finish } = await answer.result;
            throwIfAborted(signal);
            printJson({ prompt_ids: promptIds, ids, text, finish });
            return;
        }
        // the prompt is shown with the first piece, so that a failure leaves nothing half said
        let before = typeof prompt === 'string' && !values['no-display-prompt'] ? prompt : '';
        for await (const piece of answer) {
            printText(before + piece);
            before = '';
        }
        printText(`${before}\n`);
        throwIfAborted(signal);
        if (process.stderr.isTTY) process.stderr.write(speed(await answer.result));
    });
}

/** @param {import('../protocol.js').GenerateResult} result */
function speed({ usage, timings }) {
    const prompt = usage.promptTokens - usage.cachedTokens;
    return (
        `${prompt} tokens read in ${Math.round(timings.promptMs)} ms, ` +
        `${usage.completionTokens} written in ${Math.round(timings.decodeMs)} ms\n`
    );
}
