"""Reads protobuf JSON with google.protobuf.json_format, as Google's Python clients do over REST.

The argument is a FileDescriptorSet. Each line of the input is {"type": full name, "text": JSON}; each line of the output is
{"read": what json_format writes of the message, "withDefaults": the same with default values} or {"error": why it cannot}.
"""

import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

files = descriptor_pb2.FileDescriptorSet()
with open(sys.argv[1], "rb") as file:
    files.ParseFromString(file.read())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)


def new_message(name):
    descriptor = pool.FindMessageTypeByName(name)
    # GetMessageClass replaced MessageFactory in 4.22.
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)()
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)()


def with_defaults(message):
    # The argument was renamed in 5.26.
    try:
        return json_format.MessageToDict(message, descriptor_pool=pool, always_print_fields_with_no_presence=True)
    except TypeError:
        return json_format.MessageToDict(message, descriptor_pool=pool, including_default_value_fields=True)


for line in sys.stdin:
    request = json.loads(line)
    try:
        message = json_format.Parse(request["text"], new_message(request["type"]), descriptor_pool=pool)
        answer = {
            "read": json_format.MessageToDict(message, descriptor_pool=pool),
            "withDefaults": with_defaults(message),
        }
    except (json_format.Error, KeyError, ValueError) as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
