eddy_folder(engine
  SOURCES clusterer.c words.c point.c threshold.c arrive.c events.c near.c repair.c retire.c
    operate.c undo.c links.c picture.c record.c vocabulary.c duplicates.c load.c indexes.c)
