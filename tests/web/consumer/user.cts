// The same package by require, in a program that is compiled, not run.
import { Trit, TritError } from 'trit';
import type { Model } from 'trit';

export async function count(path: string): Promise<number> {
    const model: Model = await Trit.load(path, { threads: 1 });
    try {
        return await model.countTokens('x');
    } catch (error) {
        if (error instanceof TritError) console.error(error.code.toLowerCase());
        throw error;
    }
}

// @ts-expect-error
Trit.load(42);
