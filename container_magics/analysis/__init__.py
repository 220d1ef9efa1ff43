"""What images are made of: from the contents that engines give to numbers that views show.

Engine.contents ──► layer_index ──┬─► efficiency    what is wasted, by dive's definitions
                                  └─► file_tree     one layer's files, a level at a time
"""
