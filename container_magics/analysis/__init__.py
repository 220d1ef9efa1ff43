"""What images are made of: from the contents that engines give to numbers that views show.

    Engine.contents ──► layer_index ──┬─► file_tree     one layer's files, a level at a time
                        (instructions)├─► efficiency    what is wasted, by dive's definitions
                                      ├─► surface       shells, package managers, packages, set-UID
                                      ├─► comparison    shared layers, bytes to pull, base and cost
                                      └─► difference    two images: only in A, only in B, different

    Engine.build ──────► stage_report   stages, what is copied where, what stays behind
                   ├───► walk           the state after each instruction (walk_steps, walk_state)
                   └───► experiment     variants built cold and warm, run, held against each other

Nothing here draws; everything that comes from an image is untrusted and passed on as it is.
"""
