from switchgear import Model, Text, hookimpl

@hookimpl
async def list_models():
    return [Model("echo-1")]

@hookimpl
async def forward(request):
    yield Text(request.last_text)
