eddy_folder(engine
  SOURCES clusterer.c words.c point.c threshold.c arrive.c events.c coded.c near.c halves.c repair.c
    retire.c window.c members.c inverse.c place.c reassign.c operate.c judge.c undo.c links.c
    doubts.c rate.c signals.c hierarchy.c level.c topics.c describe.c duplicates.c picture.c map.c
    indexes.c view.c record.c floats.c vocabulary.c load.c templates.c templates_nodes.c
    templates_places.c templates_text.c templates_parameters.c templates_record.c templates_load.c
    templates_close.c)
