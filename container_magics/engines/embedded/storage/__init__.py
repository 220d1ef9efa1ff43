"""What the embedded engine keeps on disk.

    store             layers, and what uses them
      database          metadata, in SQLite
      cache             records of the build cache
      image_records     images and their names
      container_records containers that were kept
      session           work in progress, and what dies with its engine
    unpack, record    a layer's tar to a directory with its header stream, and back
      holding, mapped   how directories hold owners, by the privilege there is
      deputy            acts on files of sub-UIDs
      epoch             SOURCE_DATE_EPOCH, the newest time in a layer
      content, digests  reading it again

Nothing else writes below the store's root.
"""
