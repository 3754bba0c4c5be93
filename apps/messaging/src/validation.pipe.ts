import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import { InvalidInput } from './invalid-input';
import { MessageBatchInput } from './messages/dto/message-input.dto';
import { isPlainBatch } from './messages/plain-batch';

/** Holds what comes against the rules of its class: no field is wrong, and none is unknown. */
export class Validation extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => InvalidInput.fromValidation(errors),
    });
  }

  /** @throws InvalidInput */
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.metatype === MessageBatchInput && isPlainBatch(value)) return value;
    return super.transform(value, metadata);
  }
}
