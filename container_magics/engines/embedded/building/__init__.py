"""One build on the embedded engine: a Dockerfile's stages to an image.

    builder ──► steps ──► evaluate    instructions that change the configuration only
      │           ├─────► run_step    RUN ──► mounting
      │           ├─────► copying     COPY and ADD
      │           └─────► step        a layer: from the cache, from an import, or made
      ├──► bases, named_contexts, context    where stages and sources come from
      ├──► frontend, emulation               what is settled before a step begins
      ├──► exchange                          build caches of other stores
      └──► outputs                           where the result goes

A state (see state) is what each instruction makes of the one before.
"""
